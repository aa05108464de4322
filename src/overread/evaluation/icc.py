"""Intraclass correlation of loads: how far one rater's load can stand for any rater's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from overread.errors import InputError
from overread.evaluation.results import Interval
from overread.records import Result

_ROUNDING = 1e-12


class LoadCorrelation(Result):
    """ICC(2,1) of loads.

    Attributes:
        icc: the correlation with its interval: 1 for perfect agreement, below 0 where the loads of a case differ more
            than cases do. None where all loads are equal, or fewer than two cases or two raters are left.
        case_count: cases with a load from every rater, which the correlation is taken over.
        left_out: cases without a load from some rater.
        rater_count: raters.
    """

    icc: Interval | None
    case_count: int
    left_out: int
    rater_count: int


def correlate_loads(loads: Sequence[Sequence[float]], *, confidence: float = 0.95) -> LoadCorrelation:
    """ICC(2,1): two-way random effects, absolute agreement, a single rater (Shrout and Fleiss 1979).

    With mean squares of cases MSR, of raters MSC and of what is left MSE, over n cases and k raters,

        ICC(2,1) = (MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / n).

    A rater who always outlines more lowers it, other than a Pearson correlation. Its interval follows McGraw and Wong
    1996, table 7, ICC(A,1), with Satterthwaite's degrees of freedom; for these a negative correlation, where the
    approximation breaks down, is taken for 0. It takes cases for independent and loads for normal; where subjects have
    several cases each, it is too narrow.

    Args:
        loads: (N, K) one row per case, one column per rater; NaN where a rater has not labelled a case.
        confidence: two-sided coverage aimed at, in (0, 1).

    Raises:
        InputError: rows differ in length, or a load is infinite.
    """
    if len({len(row) for row in loads}) > 1:
        raise InputError(
            "every case must have one load per rater, NaN where it is missing", found="rows of two lengths"
        )
    table = np.asarray(loads, np.float64).reshape(len(loads), len(loads[0]) if loads else 0)
    if np.isinf(table).any():
        raise InputError("a load must be finite, or NaN where it is missing", found="inf")
    complete = table[~np.isnan(table).any(axis=1)]
    return LoadCorrelation(
        icc=_correlate(complete, confidence) if min(complete.shape) >= 2 else None,
        case_count=len(complete),
        left_out=len(table) - len(complete),
        rater_count=table.shape[1],
    )


def _correlate(table: NDArray[np.float64], confidence: float) -> Interval | None:
    n, k = table.shape
    if np.ptp(table) <= _ROUNDING * float(np.abs(table).max()):
        return None
    rows, columns, error = _find_mean_squares(table)
    total = rows + (k - 1) * error + k * (columns - error) / n
    if total <= 0:  # two raters who swap the loads of two cases
        return None
    icc = (rows - error) / total
    low, high = _find_bounds(rows, columns, error, icc, shape=(n, k), confidence=confidence)
    return Interval(estimate=float(icc), low=float(low), high=float(high), confidence=confidence)


def _find_mean_squares(table: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean squares of cases, of raters and of what is left; 0 where only rounding is left."""
    n, k = table.shape
    mean = table.mean()
    of_cases = table.mean(axis=1, keepdims=True) - mean
    of_raters = table.mean(axis=0, keepdims=True) - mean
    left = table - mean - of_cases - of_raters
    floor = (_ROUNDING * float(np.ptp(table))) ** 2
    rows = k * float((of_cases**2).sum()) / (n - 1)
    columns = n * float((of_raters**2).sum()) / (k - 1)
    error = float((left**2).sum()) / ((n - 1) * (k - 1))
    rows, columns, error = (value if value > floor else 0.0 for value in (rows, columns, error))
    return rows, columns, error


def _find_bounds(
    rows: float, columns: float, error: float, icc: float, *, shape: tuple[int, int], confidence: float
) -> tuple[float, float]:
    n, k = shape
    if not columns and not error:
        return icc, icc
    share = max(0.0, icc)
    a = k * share * columns
    b = (n * (1 - share) + k * share * (n - 1)) * error
    freedom = (a + b) ** 2 / (a**2 / (k - 1) + b**2 / ((n - 1) * (k - 1))) if a or b else k - 1
    tail = (1 + confidence) / 2
    above, below = stats.f.ppf(tail, n - 1, freedom), stats.f.ppf(tail, freedom, n - 1)
    spread = k * columns + (k * n - k - n) * error
    low = n * (rows - above * error) / (above * spread + n * rows)
    high = n * (below * rows - error) / (spread + n * below * rows)
    return float(low), float(high)
