"""What a cross-validated design will be able to find, before anything is trained."""

import math
from dataclasses import dataclass

from scipy import stats

from overread.evaluation.estimate import FEWEST_SUBJECTS, MOST_FOLDS, POWER_QUANTILE

PRIOR_SUBJECT_STD = 0.04
PRIOR_RUN_STD = 0.014
"""Dice differences of networks: between subjects, and of one round's mean from one training to the next.

Measured on eighteen networks of the demo preset (.035 and .014); on other studies they were of this size.
"""

FEWEST_CONDITIONS = 4
"""Conditions over which the run variance must be pooled for two repeats on one split."""

_FEWEST_RUN_DF = {1: 4}
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Foresight:
    """What a design is expected to find.

    Attributes:
        subject_count: subjects that are held out.
        fold_count: rounds of the cross-validation.
        repeat_count: trainings per condition and round.
        smallest_detectable: true difference of Dice that about three of four such studies find; None where the design
            allows no interval.
    """

    subject_count: int
    fold_count: int
    repeat_count: int
    smallest_detectable: float | None


def foresee(
    subject_count: int,
    *,
    folds: int,
    repeats: int,
    subject_std: float = PRIOR_SUBJECT_STD,
    run_std: float = PRIOR_RUN_STD,
) -> Foresight:
    """Smallest difference that a design will find, from the spread that such studies had.

    Args:
        subject_count: subjects that are held out.
        folds: rounds of the cross-validation.
        repeats: trainings per condition and round.
        subject_std: standard deviation of the difference between subjects.
        run_std: standard deviation of a round's difference from one training to the next.
    """
    return _foresee(subject_count, folds, repeats, 1, subject_std, run_std)


def foresee_loss(
    subject_count: int,
    *,
    folds: int,
    repeats: int,
    conditions: int,
    subject_std: float = PRIOR_SUBJECT_STD,
    run_std: float = PRIOR_RUN_STD,
) -> Foresight:
    """Smallest difference between two of many conditions, where the run variance is pooled over all of them.

    SE² = S² / n + 2 s² / (k R): the difference of two independent trainings has twice the run variance s² of one. The
    pooled variance has L k (R - 1) degrees of freedom.

    Args:
        subject_count: subjects that are held out.
        folds: rounds of the cross-validation; 1 for one split, whose own luck the figure leaves out.
        repeats: trainings per condition and round.
        conditions: L, the labels learnt times the architectures.
        subject_std: standard deviation of the difference between subjects.
        run_std: standard deviation of one condition's mean of a round from one training to the next.
    """
    return _foresee(subject_count, folds, repeats, conditions, subject_std, math.sqrt(2) * run_std)


def _foresee(
    subject_count: int, folds: int, repeats: int, conditions: int, subject_std: float, run_std: float
) -> Foresight:
    found = None
    run_df = conditions * folds * (repeats - 1)
    if _has_interval(subject_count, folds, repeats, run_df):
        error, df = _compute_error(subject_count, folds, repeats, subject_std, run_std, run_df)
        quantiles = stats.t.ppf((1 + _CONFIDENCE) / 2, df) + stats.t.ppf(POWER_QUANTILE, df)
        found = float(quantiles * error)
    return Foresight(subject_count, folds, repeats, found)


def _has_interval(subject_count: int, folds: int, repeats: int, run_df: int) -> bool:
    if subject_count < FEWEST_SUBJECTS or not 1 <= folds <= MOST_FOLDS:
        return False
    return folds >= 3 if repeats == 1 else run_df >= _FEWEST_RUN_DF.get(folds, 3)


def _compute_error(
    subject_count: int, folds: int, repeats: int, subject_std: float, run_std: float, run_df: int
) -> tuple[float, float]:
    subjects, runs = subject_std**2 / subject_count, run_std**2 / (folds * repeats)
    if repeats == 1:
        overlap = 1 / folds + 1 / (folds - 1)
        return math.sqrt((subjects + runs) * folds * overlap), folds - 1
    total = subjects + runs
    return math.sqrt(total), total**2 / (subjects**2 / (subject_count - 1) + runs**2 / run_df)
