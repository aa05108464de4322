"""Means over held-out subjects with one-sided bounds by Student's t, and how often a gate on them errs.

The gate judges one network, not the recipe that made it, so that the luck of training has no part here: the subjects
are what varies. An interval of confidence 1 - 2 · risk has a low end that a mean of n subjects overstates, and a high
end that it understates, in a share `risk` of samples each.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.results import Interval

_NO_SPREAD = 1e-9


def bound_mean(values: NDArray[np.float64], *, risk: float) -> Interval:
    """Mean of independent values with the bounds mean ± t(1 - risk, n - 1) · SD / √n.

    Args:
        values: (n,) one per subject, n ≥ 1.
        risk: probability that the true mean lies below the low bound, and above the high one, in (0, 0.5).

    Returns:
        The interval of confidence 1 - 2 · risk; a single subject says nothing of the spread, and its bounds are NaN.
    """
    count = len(values)
    reach = math.nan
    if count > 1:
        reach = _find_quantile(1 - risk, count - 1) * float(values.std(ddof=1)) / math.sqrt(count)
    return _build_interval(float(values.mean()), reach, risk)


def bound_ratio(numerators: NDArray[np.float64], denominators: NDArray[np.float64], *, risk: float) -> Interval | None:
    """Mean of the numerators over that of the denominators, with bounds as those of `bound_mean`.

    The spread is that of numerator - ratio · denominator between subjects, as a share of the mean denominator (Cochran,
    Sampling Techniques, 1977, equation 6.13).

    Args:
        numerators: (n,) one per subject.
        denominators: (n,) 0 or more.
        risk: as for `bound_mean`.

    Returns:
        The interval; None where all denominators are 0.
    """
    scale = float(denominators.mean()) if len(denominators) else 0.0
    if not scale > 0:
        return None
    ratio = float(numerators.mean()) / scale
    residuals = bound_mean((numerators - ratio * denominators) / scale, risk=risk)
    return _build_interval(ratio, residuals.high - residuals.estimate, risk)


def compute_chance(difference: float, *, std: float, count: int, margin: float, risk: float) -> float:
    """How often the low bound of a mean keeps to a margin, by the noncentral t distribution.

    Args:
        difference: true mean.
        std: true standard deviation between subjects.
        count: subjects, 2 or more.
        margin: what the low bound may not fall below, with a minus sign.
        risk: as for `bound_mean`.

    Returns:
        A probability: `risk` where the true mean is -margin, less where it is lower.
    """
    from scipy.special import nctdtr

    distance = difference + margin
    if std < _NO_SPREAD or abs(distance) < _NO_SPREAD:
        return risk if abs(distance) < _NO_SPREAD else float(distance > 0)
    noncentrality = distance * math.sqrt(count) / std
    return 1 - float(nctdtr(count - 1, noncentrality, _find_quantile(1 - risk, count - 1)))


def _build_interval(estimate: float, reach: float, risk: float) -> Interval:
    return Interval(estimate=estimate, low=estimate - reach, high=estimate + reach, confidence=round(1 - 2 * risk, 9))


@lru_cache(maxsize=256)
def _find_quantile(probability: float, degrees_of_freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, probability))
