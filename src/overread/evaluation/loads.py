"""Agreement of loads: their order and their differences."""

from collections.abc import Sequence

import numpy as np

from overread.errors import InputError
from overread.evaluation.results import BlandAltman, LoadOrder

_LIMIT_STDS = 1.96


def count_load_order(first: Sequence[float], second: Sequence[float]) -> LoadOrder:
    """Count the cases in which the first load lies below, at or above the second.

    Args:
        first: (N,) load of each case.
        second: (N,) load of the same cases.

    Raises:
        InputError: the lengths differ.
    """
    difference = _subtract(second, first)
    return LoadOrder(
        below=int(np.count_nonzero(difference > 0)),
        equal=int(np.count_nonzero(difference == 0)),
        above=int(np.count_nonzero(difference < 0)),
    )


def compute_bland_altman(first: Sequence[float], second: Sequence[float]) -> BlandAltman:
    """Bias and 95 % limits of agreement of loads, second minus first (Bland and Altman, Lancet 1986).

    Args:
        first: (N,) load of each case, N ≥ 1.
        second: (N,) load of the same cases.

    Returns:
        Bias, sample standard deviation (N - 1) and bias ± 1.96 standard deviations; NaN but for the bias where N = 1.

    Raises:
        InputError: the lengths differ, or there is no case.
    """
    difference = _subtract(second, first)
    if not difference.size:
        raise InputError("Bland-Altman agreement must be taken over at least one case", found=0)
    bias = float(difference.mean())
    std = float(difference.std(ddof=1)) if difference.size > 1 else float("nan")
    return BlandAltman(
        bias=bias,
        std=std,
        lower_limit=bias - _LIMIT_STDS * std,
        upper_limit=bias + _LIMIT_STDS * std,
        case_count=difference.size,
    )


def _subtract(minuend: Sequence[float], subtrahend: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if len(minuend) != len(subtrahend):
        raise InputError("loads must be given for the same cases", found=f"{len(subtrahend)} and {len(minuend)} loads")
    return np.asarray(minuend, np.float64) - np.asarray(subtrahend, np.float64)
