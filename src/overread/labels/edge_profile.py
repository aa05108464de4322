"""How steep an image is along an outline, and along the outline moved outwards or inwards."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.labels.slices import stack_slices
from overread.types import Image, Mask, Spacing

EDGE_BLUR = 1.2
"""Std of the Gaussian whose derivatives measure an image's gradient, in voxels of the slice."""
_BEYOND_MIDDLE = 0.1
"""How far outside the middle of the outermost voxels an outline runs, in voxels. An edge between two voxels is as steep
at both, and the inner one is meant."""
_BLURS_OF_MARGIN = 4
"""Beyond so many standard deviations a Gaussian does not see."""

Offsets = NDArray[np.float64]
"""(D,) ascending and evenly spaced, in the study's length unit: how far an outline is moved, outwards if positive."""

Profile = NDArray[np.float64]
"""(D,) mean gradient magnitude along an outline moved by each of the offsets."""


def build_offsets(spacings: Sequence[Spacing], reach: int) -> Offsets:
    """Offsets from `reach` steps inwards to `reach` steps outwards, 0 among them.

    One step is the coarsest in-plane voxel of all cases, so that each moved outline has voxels of every case.

    Args:
        spacings: voxel size of each case along each axis.
        reach: steps to each side, at least 2.
    """
    step = max(max(spacing[:2]) for spacing in spacings)
    return step * np.arange(-reach, reach + 1, dtype=np.float64)


def measure_edge_profile(image: Image, mask: Mask, offsets: Offsets, *, spacing: Spacing) -> Profile:
    """Measure the mean gradient magnitude of an image along an outline that is moved by each offset.

    An outline runs through the outermost voxels of the foreground; one that is drawn well outside a crisp edge may seem
    to be nearer by one offset. Each voxel counts for the two offsets that its distance to the outline lies between, the
    more the nearer. A volume is looked at slice by slice along its last axis, as it was drawn. Channels are divided by
    their standard deviation and averaged, so that the scale of a case does not matter. Where nothing is left of a mask,
    or of the image around it, the gradient is 0: no outline lies on no edge.

    Args:
        image: (C, *S).
        mask: (*S) bool, not empty.
        offsets: at which offsets, in the unit of `spacing`.
        spacing: voxel size along each axis.

    Raises:
        InputError: shapes differ, or the mask is empty.
    """
    if image.shape[1:] != mask.shape or not mask.any():
        found = f"shapes {image.shape[1:]} and {mask.shape}, {np.count_nonzero(mask)} voxels"
        raise InputError("a mask must have the shape of its image and not be empty", found=found)
    step = float(offsets[1] - offsets[0])
    sums, counts = np.zeros(len(offsets)), np.zeros(len(offsets))
    for planes, outlined in _crop_slices(image, mask, offsets, spacing):
        places = (measure_contour_distance(outlined, spacing) + offsets[-1]) / step
        gradients = measure_gradient(planes, spacing)
        lower = np.floor(places).astype(np.intp)
        for index, weight in ((lower, 1 - (places - lower)), (lower + 1, places - lower)):
            within = (index >= 0) & (index < len(offsets))
            sums += np.bincount(index[within], (weight * gradients)[within], len(offsets))
            counts += np.bincount(index[within], weight[within], len(offsets))
    return np.where(counts > 0, sums / np.maximum(counts, np.finfo(float).tiny), 0.0)


def measure_contour_distance(outlined: Mask, spacing: Spacing) -> NDArray[np.float64]:
    """Distance of each voxel to the outline of a slice, (rows, columns), positive outside.

    Up to a tenth of a voxel, all voxels that a dilation by d adds last are at d, and those that are outermost after an
    erosion by d are at -d.

    Args:
        outlined: (rows, columns) bool with foreground and background.
        spacing: voxel size along rows and columns.
    """
    from scipy.ndimage import distance_transform_edt

    sampling = spacing[:2]
    voxel = float(np.mean(sampling))
    outside = distance_transform_edt(~outlined, sampling=sampling)
    inside = distance_transform_edt(outlined, sampling=sampling)
    return np.asarray(np.where(outlined, voxel - inside, outside) - _BEYOND_MIDDLE * voxel, np.float64)


def measure_gradient(planes: NDArray[np.float32], spacing: Spacing) -> NDArray[np.float64]:
    """Magnitude of the gradient of a slice, blurred by `EDGE_BLUR` and averaged over channels, (rows, columns).

    Args:
        planes: (C, rows, columns).
        spacing: voxel size along rows and columns.
    """
    from scipy.ndimage import gaussian_filter

    rows, columns = (
        gaussian_filter(planes.astype(np.float64), EDGE_BLUR, order=order, axes=(1, 2)) / size
        for order, size in zip(((1, 0), (0, 1)), spacing[:2], strict=True)
    )
    return np.asarray(np.hypot(rows, columns).mean(axis=0), np.float64)


def _crop_slices(
    image: Image, mask: Mask, offsets: Offsets, spacing: Spacing
) -> Iterator[tuple[NDArray[np.float32], Mask]]:
    """Each slice with an outline, and its part of the image, cut down to what the offsets and the blur reach."""
    scaled = image / np.maximum(image.std(axis=tuple(range(1, image.ndim)), keepdims=True), np.finfo(np.float32).tiny)
    for index, outlined in enumerate(stack_slices(mask)):
        if outlined.all() or not outlined.any():
            continue
        box = tuple(
            _frame(outlined.any(axis=1 - axis), offsets[-1] / spacing[axis] + 1 + _BLURS_OF_MARGIN * EDGE_BLUR)
            for axis in (0, 1)
        )
        planes = scaled if mask.ndim == 2 else scaled[..., index]
        yield planes[(slice(None), *box)], outlined[box]


def _frame(occupied: NDArray[np.bool_], margin: float) -> slice:
    places, far = np.flatnonzero(occupied), int(np.ceil(margin))
    return slice(max(int(places[0]) - far, 0), int(places[-1]) + far + 1)
