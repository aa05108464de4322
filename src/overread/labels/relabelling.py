"""Flipping labels where a network is uncertain enough (Redekop and Chernyavskiy 2021, section 2.3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from overread.errors import InputError
from overread.settings import Settings
from overread.types import Mask, Probability

_EVEN = 0.5
MOST_UNCERTAINTY = 0.25
"""Largest variance of a number in [0, 1], that of a fair coin."""


FlipRule: TypeAlias = Literal["uncertain", "contradicted"]
"""Which of the uncertain voxels change sides: all of them, as in the paper, or those whose label the mean prediction
contradicts. At the edge of a structure about as many voxels are uncertain inside as outside of it, so that flipping all
of them moves the edge to and fro by a voxel."""
_BINS = 250
_FLOOR = 0.001
"""Voxels below this are far from any boundary; they outnumber all others and would decide alone."""


class RelabelSettings(Settings):
    """Which voxels change sides."""

    threshold: float = Field(
        gt=0,
        lt=MOST_UNCERTAINTY,
        description="a voxel changes sides where its uncertainty exceeds this (δ in the paper)",
    )
    flips: FlipRule = Field(
        "uncertain", description="all uncertain voxels, or those that the mean prediction contradicts"
    )
    largest_change: float = Field(
        0.5,
        gt=0,
        description="share of its labelled voxels that may change in a case; one beyond it is left as it is",
    )


@dataclass(frozen=True)
class RelabelledCase:
    """What became of one mask.

    Attributes:
        mask: (*S) the new mask, or the old one where too much would have changed.
        changed_count: voxels that the rule changes, holes that were filled among them.
        changed_share: the same as a share of the labelled voxels; infinite for an empty mask that gains voxels.
        is_kept: too much would have changed, so the mask is the old one.
    """

    mask: Mask
    changed_count: int
    changed_share: float
    is_kept: bool


def relabel_case(
    mask: Mask,
    uncertainty: NDArray[np.float32],
    settings: RelabelSettings,
    *,
    probability: Probability | None = None,
) -> RelabelledCase:
    """Flip the label of each voxel whose uncertainty exceeds the threshold, then fill holes.

    Holes that the mask had before stay open: the paper fills those that flipping leaves. A 3D mask has a hole where
    background is enclosed in all three directions.

    Args:
        mask: (*S) the label.
        uncertainty: (*S), in [0, 0.25], for example the aleatoric map of several predictions.
        settings: threshold, which uncertain voxels change sides, and the limit on what may change.
        probability: (*S), mean prediction; needed where only contradicted labels are flipped.

    Raises:
        InputError: shapes differ, an uncertainty is not in [0, 0.25], or the probability is missing.
    """
    if mask.shape != uncertainty.shape:
        raise InputError("mask and uncertainty must have one shape", found=f"{mask.shape} and {uncertainty.shape}")
    if uncertainty.size and not (uncertainty.min() >= 0 and uncertainty.max() <= MOST_UNCERTAINTY):
        raise InputError(
            f"an uncertainty must lie in [0, {MOST_UNCERTAINTY}]", found=f"{uncertainty.min()} to {uncertainty.max()}"
        )
    flipped = mask ^ _select_flips(mask, uncertainty, settings, probability)
    relabelled = _fill_new_holes(flipped, mask)
    changed, labelled = int(np.count_nonzero(relabelled ^ mask)), int(np.count_nonzero(mask))
    share = changed / labelled if labelled else (float("inf") if changed else 0.0)
    is_kept = share > settings.largest_change
    return RelabelledCase(mask.copy() if is_kept else relabelled, changed, share, is_kept)


def _fill_new_holes(flipped: Mask, mask: Mask) -> Mask:
    """Fill the holes that the mask itself does not have."""
    from scipy.ndimage import binary_fill_holes

    filled: Mask = flipped | (binary_fill_holes(flipped) & ~(binary_fill_holes(mask) & ~mask))
    return filled


def _select_flips(
    mask: Mask, uncertainty: NDArray[np.float32], settings: RelabelSettings, probability: Probability | None
) -> Mask:
    uncertain: Mask = uncertainty > settings.threshold
    if settings.flips == "uncertain":
        return uncertain
    if probability is None or probability.shape != mask.shape:
        found = "none" if probability is None else probability.shape
        raise InputError(f"to flip contradicted labels needs a probability of shape {mask.shape}", found=found)
    contradicted: Mask = (probability > _EVEN) != mask
    return np.logical_and(uncertain, contradicted)


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
