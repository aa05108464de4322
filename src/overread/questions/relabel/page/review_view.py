"""A slice of a relabelled case, ready to be drawn: image, both labels and the uncertainty."""

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.report.slice_view import SliceView, find_largest_slice, turn_upright
from overread.types import Affine, Mask, Spacing

LABEL, PROPOSAL = "label", "proposal"
_EXTENT = "extent"
_MARGIN_SHARE = 0.2

_Window: TypeAlias = tuple[slice, slice]


@dataclass(frozen=True)
class ReviewedCase:
    """Everything of a case that its pictures show.

    Attributes:
        image: (*S) one channel, intensities as stored.
        label: (*S) the label.
        proposal: (*S) the proposed label.
        uncertainty: (*S), in [0, 0.25].
        spacing: voxel size along each axis.
        affine: voxel to millimetre (RAS+); None in 2D.
    """

    image: NDArray[np.float32]
    label: Mask
    proposal: Mask
    uncertainty: NDArray[np.float32]
    spacing: Spacing
    affine: Affine | None


@dataclass(frozen=True)
class ReviewView:
    """A part of one slice.

    Attributes:
        view: image, with the masks `label` and `proposal`.
        uncertainty: (rows, columns), in [0, 0.25].
    """

    view: SliceView
    uncertainty: NDArray[np.float32]


def view_slice(case: ReviewedCase, focus: Mask, extent: Mask, *, smallest_side: int) -> ReviewView:
    """Take the slice with most voxels of the focus, turn it upright and cut it to the extent, with a margin.

    Args:
        case: the case.
        focus: (*S), with a voxel or more; chooses the slice.
        extent: (*S), holds the focus; is shown in full, as far as it lies in that slice.
        smallest_side: of what is shown, in voxels of the finer of the two axes.
    """
    index = None if case.affine is None else find_largest_slice(focus)
    masks = {LABEL: case.label, PROPOSAL: case.proposal, _EXTENT: extent}
    image, uncertainty = (_take_slice(values, masks, index, case) for values in (case.image, case.uncertainty))
    window = _find_window(image, smallest_side)
    shown = {name: image.masks[name][window] for name in (LABEL, PROPOSAL)}
    return ReviewView(replace(image, image=image.image[window], masks=shown), uncertainty.image[window])


def _take_slice(
    values: NDArray[np.float32], masks: dict[str, Mask], index: int | None, case: ReviewedCase
) -> SliceView:
    def take(array: NDArray[Any]) -> NDArray[Any]:
        return array if index is None else array[..., index]

    planes = {name: take(mask) for name, mask in masks.items()}
    count = None if index is None else values.shape[2]
    view = SliceView(take(values), planes, case.spacing[0], case.spacing[1], index, count)
    return view if case.affine is None else turn_upright(view, case.affine)


def _find_window(view: SliceView, smallest_side: int) -> _Window:
    """Rows and columns around the extent, as nearly square in length as the slice allows."""
    spacings = (view.row_spacing, view.column_spacing)
    bounds = []
    for axis in (0, 1):
        inside = np.flatnonzero(view.masks[_EXTENT].any(axis=1 - axis))
        bounds.append((int(inside[0]), int(inside[-1]) + 1))
    sides = [(stop - start) * spacing for (start, stop), spacing in zip(bounds, spacings, strict=True)]
    side = max(max(sides) * (1 + 2 * _MARGIN_SHARE), smallest_side * min(spacings))
    rows, columns = (
        _place((start + stop) // 2, round(side / spacing), length)
        for (start, stop), spacing, length in zip(bounds, spacings, view.image.shape, strict=True)
    )
    return rows, columns


def _place(centre: int, size: int, length: int) -> slice:
    start = min(max(centre - size // 2, 0), max(length - size, 0))
    return slice(start, min(start + size, length))
