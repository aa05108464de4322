"""A test of a measure that exists once per fold, such as an area under the ROC curve."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from overread.errors import InputError
from overread.evaluation.results import Interval
from overread.records import Result


class FoldMean(Result):
    """The mean of a measure over folds.

    Attributes:
        interval: of the mean, from how the folds differ and what they share; NaN bounds for fewer than three folds.
        p_above: one-sided p of a true value at or below the one that chance gives; None for fewer than three folds.
        fold_count: folds that have a value.
    """

    interval: Interval
    p_above: float | None
    fold_count: int


_FEWEST_FOLDS = 3


def compare_folds_with_chance(values: Sequence[float], *, chance: float, confidence: float = 0.95) -> FoldMean:
    """Corrected resampled t-test of a mean over folds (Nadeau and Bengio 2003, equation 11).

    t = (mean - chance) / (SD · √(1/k + 1/(k-1))) with k - 1 degrees of freedom: values of folds are correlated, for
    their networks share training subjects, and the second term allows for it.

    Args:
        values: (k,) one value per fold.
        chance: the value that nothing but chance gives.
        confidence: two-sided coverage of the interval, in (0, 1).

    Raises:
        InputError: there is no value.
    """
    found = np.asarray(values, np.float64)
    if not found.size:
        raise InputError("a mean over folds needs the value of at least one fold", found="none")
    count, mean = found.size, float(found.mean())
    if count < _FEWEST_FOLDS:
        unknown = Interval(estimate=mean, low=math.nan, high=math.nan, confidence=confidence)
        return FoldMean(interval=unknown, p_above=None, fold_count=count)
    error = float(found.std(ddof=1)) * math.sqrt(1 / count + 1 / (count - 1))
    half = float(stats.t.ppf((1 + confidence) / 2, count - 1)) * error
    p = float(stats.t.sf((mean - chance) / error, count - 1)) if error > 0 else float(mean <= chance)
    interval = Interval(estimate=mean, low=mean - half, high=mean + half, confidence=confidence)
    return FoldMean(interval=interval, p_above=p, fold_count=count)
