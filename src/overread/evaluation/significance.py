"""Tests of differences of means, and the correction for several of them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

_RELATIVE_ROUNDING = 1e-12


def compute_two_sample_p(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Two-sided p of Student's two-sample t-test with equal variances.

    It takes all values for independent. Dice values of several networks on the same cases are not, and trainings have a
    luck of their own: it is shown as that of the papers, and what is judged is an `Estimate`.

    Args:
        first: (N,) values.
        second: (M,) values.

    Returns:
        None where the test is undefined: fewer than 2 values in a sample, or no variation within either sample.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if min(a.size, b.size) < 2 or (_is_constant(a) and _is_constant(b)):
        return None
    found = stats.ttest_ind_from_stats(a.mean(), a.std(ddof=1), a.size, b.mean(), b.std(ddof=1), b.size, equal_var=True)
    return float(found.pvalue)


def adjust_holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p values for their number (Holm 1979).

    The smallest of m values is multiplied by m, the next by m - 1, and so on; none falls below the one before, none
    exceeds 1.

    Args:
        p_values: in any order; None for an undefined test, which does not count.

    Returns:
        The adjusted values in the same order.
    """
    known = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    floor = 0.0
    for rank, (p, index) in enumerate(known):
        floor = min(1.0, max(floor, p * (len(known) - rank)))
        adjusted[index] = floor
    return adjusted


def _is_constant(values: NDArray[np.float64]) -> bool:
    return bool(np.ptp(values) <= _RELATIVE_ROUNDING * max(1.0, float(np.abs(values).max())))
