"""A threshold on uncertainty, chosen from the maps of all training cases."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError

MOST_UNCERTAINTY = 0.25
"""Largest variance of a number in [0, 1], that of a fair coin."""
_BINS = 250
_FLOOR = 0.001
"""Voxels below this are far from any boundary; they outnumber all others and would decide alone."""


def choose_threshold(maps: Iterable[NDArray[np.float32]]) -> float:
    """Choose δ, which Redekop and Chernyavskiy (2021) do not give, by Otsu's rule.

    The uncertainties above 0.001 of all training cases are put into a histogram of 250 bins over [0, 0.25], and δ is
    the border between two bins that leaves the two sides as far apart as possible: the largest between-class variance
    (Otsu 1979). Where several borders are equal, as across empty bins, the middle one is taken. One map is held at a
    time.

    Args:
        maps: (*S) in [0, 0.25], one per case.

    Raises:
        InputError: no voxel is uncertain, or all are in one bin, so there is nothing to separate.
    """
    edges = np.linspace(0, MOST_UNCERTAINTY, _BINS + 1)
    counts = np.zeros(_BINS)
    for values in maps:
        counts += np.histogram(values[values > _FLOOR], edges)[0]
    if np.count_nonzero(counts) < 2:
        raise InputError(
            "uncertainties must differ to choose a threshold from them",
            found=f"{int(counts.sum())} uncertain voxels in {np.count_nonzero(counts)} bins",
            hint="name a threshold, for example 0.1",
        )
    separation = _measure_separation(counts, (edges[:-1] + edges[1:]) / 2)
    best = np.flatnonzero(np.isclose(separation, separation.max(), rtol=1e-12, atol=0))
    return float(edges[1 + best[len(best) // 2]])


def _measure_separation(counts: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between-class variance for a border after each bin but the last, up to a factor."""
    below = counts.cumsum()[:-1]
    sums = (counts * centres).cumsum()
    above = counts.sum() - below
    with np.errstate(invalid="ignore", divide="ignore"):
        difference = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    separation: NDArray[np.float64] = np.nan_to_num(below * above * difference**2)
    return separation
