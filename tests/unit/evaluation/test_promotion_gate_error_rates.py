"""How often the gate of retraining errs, by simulation with its own functions, beside a gate that lets networks drift.

Networks differ by a true Dice and by chance between subjects, such that the paired difference of two has a standard
deviation of .05. Subjects are held out for ever: what a network scores on them, it scores every night.
"""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from overread.evaluation.results import COMPARISON_COLUMNS
from overread.evaluation.skill import Skill
from overread.questions.retrain.gate.bounds import bound_mean, compute_chance
from overread.questions.retrain.gate.rule import apply_gate, compare_with_best
from overread.questions.retrain.gate.settings import GateSettings, GateVerdict

SETTINGS = GateSettings(dice_margin=0.03, risk=0.2)
STD = 0.05
NIGHTS, HISTORIES = 30, 300
FAR_BELOW = -0.05
Scores = NDArray[np.float64]
Gate = Callable[[Scores, dict[int, Scores]], GateVerdict]


def judge(own: Scores, champions: dict[int, Scores]) -> GateVerdict:
    """The gate as it is: t over subjects against the best champion so far."""
    _, difference = compare_with_best(own, champions, risk=SETTINGS.risk)
    return SETTINGS.judge_difference(difference)


def judge_by_point(own: Scores, champions: dict[int, Scores]) -> GateVerdict:
    """The mean alone, against the present champion alone."""
    return "promote" if (own - champions[max(champions)]).mean() >= -SETTINGS.dice_margin else "refuse"


def draw(generator: np.random.Generator, level: float, count: int) -> Scores:
    return level + generator.normal(0, STD / math.sqrt(2), count)


def live(generator: np.random.Generator, gate: Gate, count: int, loss: float) -> NDArray[np.float64]:
    """True Dice of the network in use after every night, against the first; challengers are truly worse by `loss`."""
    levels, champions, found = {0: 0.0}, {0: draw(generator, 0.0, count)}, []
    for night in range(1, NIGHTS + 1):
        level = levels[max(levels)] - loss
        own = draw(generator, level, count)
        if gate(own, champions) == "promote":
            levels[night], champions[night] = level, own
        found.append(levels[max(levels)])
    return np.array(found)


def measure_drift(gate: Gate, count: int, loss: float) -> tuple[float, float]:
    """Mean of the last night, and the share of histories that were ever far below the first network."""
    generator = np.random.default_rng(20)
    histories = np.array([live(generator, gate, count, loss) for _ in range(HISTORIES)])
    return float(histories[:, -1].mean()), float((histories.min(axis=1) < FAR_BELOW).mean())


@pytest.mark.parametrize(("count", "shares"), [(8, (0.80, 0.21, 0.02)), (20, (0.96, 0.21, 0.00))])
def test_equal_and_worse_networks_pass_as_often_as_is_told(count: int, shares: tuple[float, ...]) -> None:
    """Shares from a simulation by other code, for truly equal ones, ones worse by the margin and by .02 more."""
    generator = np.random.default_rng(7)
    for truth, expected in zip((0.0, -0.03, -0.05), shares, strict=True):
        passed = [
            SETTINGS.judge_difference(bound_mean(generator.normal(truth, STD, count), risk=0.2)) == "promote"
            for _ in range(4000)
        ]
        assert np.mean(passed) == pytest.approx(expected, abs=0.02)
        told = compute_chance(truth, std=STD, count=count, margin=0.03, risk=0.2)
        assert np.mean(passed) == pytest.approx(told, abs=0.02)


@pytest.mark.parametrize("count", [8, 20])
def test_small_losses_do_not_add_up_over_a_month(count: int) -> None:
    last, far = measure_drift(judge, count, 0.02)
    assert far <= 0.06
    assert last > -SETTINGS.dice_margin - 0.005


def test_a_gate_without_bounds_and_anchor_drifts_far() -> None:
    last, far = measure_drift(judge_by_point, 8, 0.02)
    assert far > 0.9
    assert last < -0.2


def test_better_networks_get_in() -> None:
    last, _ = measure_drift(judge, 20, -0.003)
    assert last > 0.05


def build_table(offset: float) -> pd.DataFrame:
    rows = [
        ("network", "ann", f"c{subject}", f"s{subject}", 0.7 + subject / 50 + offset, 1.0, 1.0, 1.0, 100.0, 100.0)
        for subject in range(8)
    ]
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def tell_six_nights(*, with_anchor: bool) -> float:
    """Dice of the network in use after six nights, against the first; each night's is worse by .02 in every subject."""
    levels = {0: 0.0}
    for night in range(1, 7):
        champion = max(levels)
        known = levels if with_anchor else {champion: levels[champion]}
        level = levels[champion] - 0.02
        figures = apply_gate(
            build_table(level),
            {version: build_table(offset) for version, offset in known.items()},
            champion=champion,
            skill=Skill(own=0.7, guess=0.1),
            settings=SETTINGS,
        )
        if figures.verdict == "promote":
            levels[night] = level
    return levels[max(levels)]


def test_six_nights_of_small_losses_end_within_the_margin_of_the_first() -> None:
    assert tell_six_nights(with_anchor=True) == pytest.approx(-0.02)
    assert tell_six_nights(with_anchor=False) == pytest.approx(-0.12)
