"""Loads of two raters and their networks, six subjects in three folds, two repeats of each network."""

from collections.abc import Callable

import pandas as pd
import pytest

from overread.questions.rater_bias.amplification import compare_relatively, judge_effect, measure_load_differences
from overread.questions.rater_bias.repeat_scores import REPEAT_COLUMNS
from overread.questions.rater_bias.results import LoadDifferences

SUBJECTS, REPEATS = range(6), range(2)
Loads = Callable[[int, int], tuple[float, float]]
"""Loads of ann and bob, or of their networks, by subject and repeat."""


def always(ann: float, bob: float) -> Loads:
    return lambda _subject, _repeat: (ann, bob)


def measure(raters: Loads, networks: Loads) -> LoadDifferences:
    rows = []
    for subject in SUBJECTS:
        for repeat in REPEATS:
            pairs = zip(("ann", "bob"), networks(subject, repeat), raters(subject, 0), strict=True)
            for source, network, rater in pairs:
                keys = (source, source, subject % 3, repeat, f"c{subject}", f"s{subject}")
                rows.append((*keys, 0.9, network, rater))
    found = measure_load_differences(pd.DataFrame(rows, columns=list(REPEAT_COLUMNS)), "ann", "bob")
    assert found is not None
    return found


def test_relative_differences_are_signed_and_two_empty_masks_do_not_differ() -> None:
    found = compare_relatively(pd.Series([10.0, 30.0, 0.0, 0.0]), pd.Series([30.0, 10.0, 5.0, 0.0]))
    assert found.tolist() == [1.0, -1.0, 2.0, 0.0]


def test_the_change_is_that_of_the_networks_in_the_direction_of_the_raters() -> None:
    """Raters 2 · 10/30 = 2/3 apart, networks 2 · 30/50 = 6/5: a change of 8/15, whoever stands first."""
    upwards = measure(always(10, 20), always(10, 40))
    assert (upwards.raters.estimate, upwards.networks.estimate) == pytest.approx((2 / 3, 6 / 5))
    assert upwards.change.estimate == pytest.approx(8 / 15)
    downwards = measure(always(20, 10), always(40, 10))
    assert (downwards.raters.estimate, downwards.networks.estimate) == pytest.approx((-2 / 3, -6 / 5))
    assert downwards.change.estimate == pytest.approx(8 / 15)


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize(
    ("networks", "effect"),
    [
        (always(10, 40), "amplified"),
        (always(10, 11), "damped"),
        (always(10, 21), "passed on about as it was"),
        (always(20, 10), "reversed"),
        (lambda _, repeat: (10, 20 + 30 * repeat), "cannot tell"),
    ],
)
def test_every_effect_of_training_on_a_clear_difference_has_its_name(
    networks: Loads, effect: str, *, swap: bool
) -> None:
    def turn(loads: Loads) -> Loads:
        return lambda subject, repeat: loads(subject, repeat)[:: -1 if swap else 1]  # type: ignore[return-value]

    assert judge_effect(measure(turn(always(10, 20)), turn(networks)), matters=0.1) == effect


def test_raters_without_a_clear_difference_leave_nothing_to_amplify() -> None:
    """They differ by 2/3 in either direction in turn: mean 0, however far apart their networks lie."""
    found = measure(lambda subject, _: (10, 20) if subject % 2 else (20, 10), always(10, 40))
    assert found.raters.estimate == pytest.approx(0)
    assert judge_effect(found, matters=0.1) == "raters do not differ clearly"


def test_networks_that_learnt_too_little_have_no_effect_to_speak_of() -> None:
    assert judge_effect(measure(always(10, 20), always(10, 40)), matters=0.1, has_learnt=False) == "learnt too little"


def test_an_effect_among_several_pairs_needs_a_corrected_p() -> None:
    found = measure(always(10, 20), always(10, 40))
    assert judge_effect(found, matters=0.1, change_p=0.06) == "cannot tell"
    reversed_ones = measure(always(10, 20), always(20, 10))
    assert judge_effect(reversed_ones, matters=0.1, networks_p=0.06) == "damped"
