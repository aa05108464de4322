"""Distance to the boundary of a mask, with a sign."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.types import Mask, Spacing


def compute_signed_distance(mask: Mask, spacing: Spacing) -> NDArray[np.float32]:
    """Distance from each voxel centre to the boundary, in the unit of the spacing, positive inside.

    The boundary lies between voxels: the distance is that to the box of the nearest voxel on the other side, which is
    half a voxel for face neighbours, so no voxel has distance 0.

    Args:
        mask: (*S) bool, with at least one voxel on either side.
        spacing: voxel size along each axis.
    """
    inside = _measure_to_nearest(mask, spacing)
    outside = _measure_to_nearest(~mask, spacing)
    return np.where(mask, inside, -outside)


def _measure_to_nearest(mask: Mask, spacing: Spacing) -> NDArray[np.float32]:
    """Distance from each voxel of the mask to the box of the nearest voxel outside it."""
    from scipy.ndimage import distance_transform_edt

    nearest: Any = distance_transform_edt(mask, sampling=spacing, return_distances=False, return_indices=True)
    squares = np.zeros(mask.shape, np.float32)
    for axis, size in enumerate(spacing):
        own = np.arange(mask.shape[axis]).reshape([-1 if other == axis else 1 for other in range(mask.ndim)])
        voxels = np.abs(nearest[axis] - own).astype(np.float32)
        squares += (np.maximum(voxels - 0.5, 0) * np.float32(size)) ** 2
    return np.sqrt(squares)
