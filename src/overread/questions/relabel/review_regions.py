"""Parts of a case that a human should look at: where a label would change, and where a network is uncertain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage

from overread.settings import Settings
from overread.study.study import compute_load
from overread.types import Mask, Spacing

Direction: TypeAlias = Literal["added", "removed", "mixed", "none"]
"""What the proposed label does in a region: it gains voxels, loses some, both, or nothing changes."""


class ReviewSettings(Settings):
    """Which regions are listed."""

    smallest_region: int = Field(5, ge=1, description="voxels; smaller regions are counted but not listed")
    most_regions: int = Field(
        20, ge=1, description="regions listed per case, those with the largest cumulative uncertainty"
    )


@dataclass(frozen=True)
class Region:
    """Connected voxels that change or are uncertain; neighbours share a face, an edge or a corner.

    Attributes:
        first_index: lowest voxel index along each axis.
        last_index: highest voxel index along each axis, inclusive.
        voxel_count: its voxels.
        load: its volume in ml (3D), or its area in the square of the spacing's unit (2D).
        mean_uncertainty: over its voxels, in [0, 0.25].
        highest_uncertainty: over its voxels, in [0, 0.25].
        changed_count: its voxels that the proposed label changes.
        direction: what the proposed label does here.
    """

    first_index: tuple[int, ...]
    last_index: tuple[int, ...]
    voxel_count: int
    load: float
    mean_uncertainty: float
    highest_uncertainty: float
    changed_count: int
    direction: Direction

    @property
    def cumulative_uncertainty(self) -> float:
        """Sum of the uncertainty over its voxels: large where much is doubtful, or where little is very doubtful."""
        return self.mean_uncertainty * self.voxel_count

    @property
    def changed_share(self) -> float:
        """Share of its voxels that the proposed label changes, in [0, 1]."""
        return self.changed_count / self.voxel_count

    @property
    def box(self) -> tuple[slice, ...]:
        """The smallest part of the grid that holds it."""
        return tuple(slice(first, last + 1) for first, last in zip(self.first_index, self.last_index, strict=True))


@dataclass(frozen=True)
class FoundRegions:
    """Regions of one case.

    Attributes:
        listed: the largest by cumulative uncertainty, largest first.
        count: all regions, those that are too small or too many to be listed among them.
    """

    listed: tuple[Region, ...]
    count: int


def find_questioned(mask: Mask, proposal: Mask, uncertainty: NDArray[np.float32], threshold: float) -> Mask:
    """Voxels, (*S), that the proposed label changes or whose uncertainty exceeds the threshold.

    Neither implies the other: filling holes changes voxels that are certain, and restores some that are not.
    """
    return np.asarray((mask ^ proposal) | (uncertainty > threshold), np.bool_)


def find_regions(
    mask: Mask,
    proposal: Mask,
    uncertainty: NDArray[np.float32],
    *,
    threshold: float,
    spacing: Spacing,
    settings: ReviewSettings,
) -> FoundRegions:
    """Divide what changes or is uncertain into connected regions, and measure the most doubtful ones.

    Args:
        mask: (*S) the label.
        proposal: (*S) the proposed label.
        uncertainty: (*S), in [0, 0.25].
        threshold: a voxel is uncertain above this.
        spacing: voxel size along each axis.
        settings: which regions are listed; of equal ones the first in the array goes first.
    """
    questioned = find_questioned(mask, proposal, uncertainty, threshold)
    numbers, count = ndimage.label(questioned, np.ones((3,) * mask.ndim))
    inside = numbers[questioned]
    sizes = np.bincount(inside, minlength=count + 1)
    sums = np.bincount(inside, uncertainty[questioned], count + 1)
    large = np.flatnonzero(sizes >= settings.smallest_region)
    order = large[np.argsort(-sums[large], kind="stable")][: settings.most_regions]
    boxes = ndimage.find_objects(numbers)
    listed = tuple(
        _measure(numbers[box] == number, mask[box], proposal[box], uncertainty[box], box, spacing)
        for number, box in ((int(number), boxes[number - 1]) for number in order)
    )
    return FoundRegions(listed, count)


def _measure(
    inside: Mask, mask: Mask, proposal: Mask, uncertainty: NDArray[np.float32], box: Sequence[slice], spacing: Spacing
) -> Region:
    """Measure one region; all arrays are cut to its box."""
    values = uncertainty[inside].astype(np.float64)
    added = int(np.count_nonzero(inside & proposal & ~mask))
    removed = int(np.count_nonzero(inside & mask & ~proposal))
    return Region(
        first_index=tuple(part.start for part in box),
        last_index=tuple(part.stop - 1 for part in box),
        voxel_count=len(values),
        load=compute_load(inside, spacing),
        mean_uncertainty=float(values.mean()),
        highest_uncertainty=float(values.max()),
        changed_count=added + removed,
        direction=_name_direction(added, removed),
    )


def _name_direction(added: int, removed: int) -> Direction:
    if added and removed:
        return "mixed"
    if added:
        return "added"
    return "removed" if removed else "none"
