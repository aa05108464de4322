"""The rule of the gate: may a newly trained network take the place of the present one?

Challenger and anchor are compared on the same held-out cases, with the masks that the reference has of them at the
revision of the run. The anchor is the best champion so far: of the present champion and all before it, the one whose
mean Dice on these cases is highest. An anchor that moved with every promotion would let small losses add up, night by
night. Three things are asked, in this order:

- has the challenger learnt anything? Its `Skill` must reach the limit; else it is refused, the first of its kind too;
- are there 5 subjects? With fewer nothing can be told, and it is held;
- does a loss of Dice against the anchor stay within the margin, and the load bias within ± the limit? Each of them by
  the mean over subjects (each counts once) and its one-sided bounds at the chosen risk: where the bounds keep to it,
  the challenger may be promoted; where the mean does not, it is refused; else nothing can be told, and it is held.

The load bias is the mean load of the challenger minus that of the reference, as a share of the latter.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.evaluation.results import Interval
from overread.evaluation.skill import Skill
from overread.questions.retrain.gate.bounds import bound_mean, bound_ratio, compute_chance
from overread.questions.retrain.gate.figures import GateFigures, PassChances, ScoredChampion, WorstSubject
from overread.questions.retrain.gate.settings import FEWEST_SUBJECTS, FURTHER_LOSS, GateSettings
from overread.questions.retrain.gate.wording import word_doubts, word_reasons

if TYPE_CHECKING:
    import pandas as pd

DESCRIPTIVE_RISK = 0.025
"""Of each end of an interval that is shown beside the decision and has no part in it."""


def choose_anchor(dice: Mapping[int, float]) -> int:
    """The best champion so far: the highest mean Dice, of equal ones the newest version.

    Args:
        dice: mean of each champion on the same cases, by version; at least one.
    """
    return max(dice, key=lambda version: (dice[version], version))


def compare_with_best(
    own: NDArray[np.float64], champions: Mapping[int, NDArray[np.float64]], *, risk: float
) -> tuple[int, Interval]:
    """The best champion so far, and the challenger's Dice minus its, with the bounds that decide.

    Args:
        own: (n,) Dice of the challenger, a mean per subject.
        champions: the same of each champion, subjects in the same order; at least one.
        risk: of each bound, see `bound_mean`.
    """
    anchor = choose_anchor({version: float(dice.mean()) for version, dice in champions.items()})
    return anchor, bound_mean(own - champions[anchor], risk=risk)


def apply_gate(
    challenger: "pd.DataFrame",
    champions: Mapping[int, "pd.DataFrame"],
    *,
    champion: int | None,
    skill: Skill | None,
    settings: GateSettings,
) -> GateFigures:
    """Compare a challenger with the best champion so far on the same held-out cases.

    Args:
        challenger: its masks against the reference's, COMPARISON_COLUMNS, one row per case that counts.
        champions: the same of the present champion and of those before it, of the same cases, by version, newest first.
        champion: version of the present champion; None without one.
        skill: of the challenger on these cases; None where that cannot be measured.
        settings: margin, limit and risk.

    Raises:
        InputError: two tables are about different cases, or the present champion's is missing.
    """
    _check_cases(challenger, champions, champion)
    figures = GateFigures(subject_count=challenger["subject_id"].nunique(), case_count=len(challenger), skill=skill)
    if len(challenger):
        figures = _compare_dice(figures, challenger, champions, champion, settings)
        figures = _compare_loads(figures, challenger, champions, settings)
    found = {"reasons": tuple(word_reasons(figures, settings)), "doubts": tuple(word_doubts(figures, settings))}
    return figures.model_copy(update=found)


def _check_cases(challenger: "pd.DataFrame", champions: Mapping[int, "pd.DataFrame"], champion: int | None) -> None:
    if champion is not None and champion not in champions:
        raise InputError("the present champion must be compared with", found=f"no table of version {champion}")
    for version, table in champions.items():
        if sorted(table["case_id"]) != sorted(challenger["case_id"]):
            raise InputError(
                "challenger and champions must be compared on the same cases",
                found=f"{len(challenger)} cases, and {len(table)} of version {version}",
            )


def _compare_dice(
    figures: GateFigures,
    challenger: "pd.DataFrame",
    champions: Mapping[int, "pd.DataFrame"],
    champion: int | None,
    settings: GateSettings,
) -> GateFigures:
    own = _average_by_subject(challenger, "dice")
    figures = figures.model_copy(update={"challenger_dice": _describe(own)})
    if not champions:
        return figures
    dice = {version: _average_by_subject(table, "dice") for version, table in champions.items()}
    anchor, difference = compare_with_best(own, dice, risk=settings.risk)
    differences = own - dice[anchor]
    updates = {
        "anchor": anchor,
        "anchor_dice": _describe(dice[anchor]),
        "champion_dice": None if champion is None else _describe(dice[champion]),
        "scores": tuple(ScoredChampion(version=version, dice=values.mean()) for version, values in dice.items()),
        "dice_difference": difference,
        "champion_difference": None if champion in (None, anchor) else _describe(own - dice[champion]),
        "worst": _find_worst(challenger, differences),
    }
    return figures.model_copy(update=updates | _foresee(differences, settings))


def _foresee(differences: NDArray[np.float64], settings: GateSettings) -> dict[str, object]:
    """Spread between subjects, and what it lets through."""
    count = len(differences)
    if count < 2:
        return {}
    std = float(differences.std(ddof=1))
    if count < FEWEST_SUBJECTS:
        return {"difference_std": std}
    margin = settings.dice_margin
    equal, at_margin, beyond = (
        compute_chance(true, std=std, count=count, margin=margin, risk=settings.risk)
        for true in (0.0, -margin, -margin - FURTHER_LOSS)
    )
    return {"difference_std": std, "chances": PassChances(equal=equal, at_margin=at_margin, beyond=beyond)}


def _find_worst(challenger: "pd.DataFrame", differences: NDArray[np.float64]) -> WorstSubject:
    names = sorted(challenger["subject_id"].unique())
    place = int(differences.argmin())
    return WorstSubject(subject_id=names[place], difference=float(differences[place]))


def _compare_loads(
    figures: GateFigures,
    challenger: "pd.DataFrame",
    champions: Mapping[int, "pd.DataFrame"],
    settings: GateSettings,
) -> GateFigures:
    of_anchor = None if figures.anchor is None else _bound_load_bias(champions[figures.anchor], settings.risk)
    updates = {"load_bias": _bound_load_bias(challenger, settings.risk), "anchor_load_bias": of_anchor}
    return figures.model_copy(update=updates)


def _bound_load_bias(comparisons: "pd.DataFrame", risk: float) -> Interval | None:
    predicted, reference = (_average_by_subject(comparisons, f"{name}_load") for name in ("prediction", "reference"))
    return bound_ratio(predicted - reference, reference, risk=risk)


def describe_mean(comparisons: "pd.DataFrame", column: str) -> Interval:
    """Mean over subjects of a column of COMPARISON_COLUMNS, with a 95 % interval that tells of the subjects only."""
    return _describe(_average_by_subject(comparisons, column))


def _average_by_subject(comparisons: "pd.DataFrame", column: str) -> NDArray[np.float64]:
    """Mean over the cases of each subject, subjects by name."""
    return comparisons.groupby("subject_id")[column].mean().to_numpy(np.float64)


def _describe(values: NDArray[np.float64]) -> Interval:
    return bound_mean(values, risk=DESCRIPTIVE_RISK)


def select_counted(
    comparisons: "pd.DataFrame", digests: Mapping[str, str], vouched: Mapping[str, str] | None
) -> Sequence[str]:
    """Cases whose reference mask is the one that the champion was judged by; all of them without a champion.

    A batch that changes the masks which a network is judged by cannot speak for itself, and masks of new cases neither;
    they count from the next champion on. Challenger and all champions are scored on these cases alone, so that whoever
    is the anchor, both sides of the comparison see the same masks, and none that came with the batch.

    Args:
        comparisons: of the challenger against the reference.
        digests: of the reference masks now, by case.
        vouched: of the reference masks when the champion was judged, by case; None without a champion.
    """
    cases = comparisons["case_id"].tolist()
    return cases if vouched is None else [case for case in cases if vouched.get(case) == digests[case]]
