"""From a case to a picture: which slice, which way up, which part, which grey values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.types import Affine, Mask, Spacing

LOWEST_PERCENTILE, HIGHEST_PERCENTILE = 0.5, 99.5
_SMALLEST_SIDE = 32
_MARGIN_SHARE = 0.2
_LEFT_OR_TOP = frozenset("RAS")
"""Directions shown at the left or top edge, so an index that grows towards one of them runs the wrong way."""
_OPPOSITE = {"R": "L", "L": "R", "A": "P", "P": "A", "S": "I", "I": "S"}
_RANK_AS_VERTICAL = {"S": 0, "I": 0, "A": 1, "P": 1, "R": 2, "L": 2}


@dataclass(frozen=True)
class SliceView:
    """A part of one slice, ready to be drawn with the origin at the upper left.

    Attributes:
        image: (rows, columns), intensities as stored.
        masks: (rows, columns) of each label set that has a mask.
        row_spacing: distance of neighbouring rows.
        column_spacing: distance of neighbouring columns, in the same unit.
        slice_index: index along array axis Z; None in 2D.
        slice_count: slices of the volume; None in 2D.
        edges: anatomical letters of the left, right, top and bottom edge; empty in 2D.
    """

    image: NDArray[np.float32]
    masks: Mapping[str, Mask]
    row_spacing: float
    column_spacing: float
    slice_index: int | None = None
    slice_count: int | None = None
    edges: tuple[str, ...] = ()


def view_case(
    image: NDArray[np.float32], masks: Mapping[str, Mask], *, spacing: Spacing, affine: Affine | None
) -> SliceView:
    """Take the slice with the largest outlined area, turn it upright and crop it around what is outlined.

    Args:
        image: (*S), one channel.
        masks: (*S) of each label set.
        spacing: voxel size along each axis.
        affine: voxel to millimetre (RAS+); None in 2D.
    """
    if affine is None:
        view = SliceView(image, masks, row_spacing=spacing[0], column_spacing=spacing[1])
    else:
        index = find_largest_slice(_unite(masks))
        planes = {name: mask[..., index] for name, mask in masks.items()}
        view = SliceView(image[..., index], planes, spacing[0], spacing[1], index, image.shape[2])
        view = turn_upright(view, affine)
    return crop_around_masks(view)


def find_largest_slice(mask: Mask) -> int:
    """Index along Z of the slice of an (X, Y, Z) mask with most voxels, the first of equals; the middle if empty."""
    areas = mask.sum(axis=(0, 1))
    return int(areas.argmax()) if areas.any() else mask.shape[2] // 2


def turn_upright(view: SliceView, affine: Affine) -> SliceView:
    """Turn an (X, Y) plane so that anterior (or superior) is up and the patient's right is at the left.

    This is how radiologists look at axial and coronal slices; in a sagittal slice anterior is at the left. Oblique axes
    count as the anatomical direction that they are nearest to.
    """
    from nibabel.orientations import aff2axcodes

    codes = aff2axcodes(affine)[:2]
    row_axis, column_axis = sorted((0, 1), key=lambda axis: _RANK_AS_VERTICAL[codes[axis]])
    flips = tuple(axis for axis, plane_axis in enumerate((row_axis, column_axis)) if codes[plane_axis] in _LEFT_OR_TOP)
    turned = _map_planes(view, lambda plane: np.flip(np.transpose(plane, (row_axis, column_axis)), flips))
    spacings = (view.row_spacing, view.column_spacing)
    top, left = (
        codes[axis] if codes[axis] in _LEFT_OR_TOP else _OPPOSITE[codes[axis]] for axis in (row_axis, column_axis)
    )
    return replace(
        turned,
        row_spacing=spacings[row_axis],
        column_spacing=spacings[column_axis],
        edges=(left, _OPPOSITE[left], top, _OPPOSITE[top]),
    )


def crop_around_masks(view: SliceView) -> SliceView:
    """Crop to what any label set outlines, with a margin, as nearly square in length as the image allows."""
    union = _unite(view.masks)
    if not union.any():
        return view
    sizes = []
    for axis, spacing in enumerate((view.row_spacing, view.column_spacing)):
        inside = np.flatnonzero(union.any(axis=1 - axis))
        sizes.append((inside[0], inside[-1] + 1, spacing))
    side = max((stop - start) * spacing * (1 + 2 * _MARGIN_SHARE) for start, stop, spacing in sizes)
    side = max(side, _SMALLEST_SIDE * min(view.row_spacing, view.column_spacing))
    window = tuple(
        _place(int(start + stop) // 2, round(side / spacing), length)
        for (start, stop, spacing), length in zip(sizes, union.shape, strict=True)
    )
    return _map_planes(view, lambda plane: plane[window])


def window_intensities(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map the 0.5th to 99.5th percentile of a slice to [0, 1] and clip what lies outside; a flat slice becomes 0."""
    finite = image[np.isfinite(image)]
    low, high = np.percentile(finite, [LOWEST_PERCENTILE, HIGHEST_PERCENTILE]) if finite.size else (0.0, 0.0)
    if high <= low:
        return np.zeros_like(image, dtype=np.float32)
    return np.asarray(np.clip((np.nan_to_num(image) - low) / (high - low), 0, 1), np.float32)


def _unite(masks: Mapping[str, Mask]) -> Mask:
    return np.asarray(np.logical_or.reduce(list(masks.values())), np.bool_)


def _map_planes(view: SliceView, change: Any) -> SliceView:
    return replace(view, image=change(view.image), masks={name: change(mask) for name, mask in view.masks.items()})


def _place(centre: int, size: int, length: int) -> slice:
    start = min(max(centre - size // 2, 0), max(length - size, 0))
    return slice(start, min(start + size, length))
