"""Surfaces of masks and the distances between them, in 2D and 3D, with any spacing.

The surface of a mask is made of its foreground voxels that have a background face-neighbour; what lies outside the
image is background. Distances are Euclidean, between voxel centres, in the unit of the spacing.

Two exact ways lead to the distances. A k-d tree of one surface, asked for each voxel of the other, costs time in
proportion to the surfaces; a distance transform costs time in proportion to the grid. Smooth masks have small surfaces,
so the tree wins; in a very ragged mask most voxels are surface, and the transform wins.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from overread.types import Mask, Spacing

Method: TypeAlias = Literal["auto", "tree", "transform"]

_VOXELS_PER_QUERY = 10
"""Grid voxels that a distance transform handles in the time of one question to a k-d tree (measured)."""


@dataclass(frozen=True, eq=False)
class Surface:
    """The surface of a mask.

    Attributes:
        voxels: (*S), C-contiguous, True on the surface.
        spacing: distance of voxel centres along each axis.
    """

    voxels: Mask
    spacing: Spacing

    @cached_property
    def flat_indices(self) -> NDArray[np.intp]:
        """(N,) indices of the surface voxels into the flattened grid, ascending."""
        return np.flatnonzero(self.voxels)

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """(N, D) centres of the surface voxels, in the unit of the spacing, D = 2 or 3 axes."""
        indices = np.unravel_index(self.flat_indices, self.voxels.shape)
        return np.stack([index * size for index, size in zip(indices, self.spacing, strict=True)], axis=-1)

    @cached_property
    def tree(self) -> "cKDTree[None]":
        """The k-d tree of `points`, built once for all surfaces that are compared with this one."""
        return cKDTree(self.points, balanced_tree=False, compact_nodes=False)


def extract_surface(mask: Mask, *, spacing: Spacing) -> Surface:
    """Find the foreground voxels with a background face-neighbour.

    Args:
        mask: (*S).
        spacing: distance of voxel centres along each axis.
    """
    inside = np.array(mask, order="C")
    for axis in range(mask.ndim):
        source, target = np.moveaxis(mask, axis, 0), np.moveaxis(inside, axis, 0)
        target[1:] &= source[:-1]
        target[:-1] &= source[1:]
        target[:1] = False
        target[-1:] = False
    return Surface(mask & ~inside, spacing)


def compute_directed_distances(origin: Surface, target: Surface, *, method: Method = "auto") -> NDArray[np.float64]:
    """Distance of each voxel of one surface to the nearest voxel of another, (N,).

    Voxels on both surfaces have distance 0 and are not looked up. All distances to an empty surface are infinite.

    Args:
        origin: surface of N voxels.
        target: surface on the same grid.
        method: `tree` or `transform`; `auto` takes the faster of the two. Values agree up to rounding.
    """
    if not target.flat_indices.size:
        return np.full(origin.flat_indices.size, np.inf)
    distances = np.zeros(origin.flat_indices.size)
    apart = ~target.voxels.reshape(-1)[origin.flat_indices]
    query_count = int(np.count_nonzero(apart))
    if method == "transform" or (method == "auto" and query_count * _VOXELS_PER_QUERY > target.voxels.size):
        distances[apart] = _look_up_in_transform(origin, target, apart)
    elif query_count:
        distances[apart] = target.tree.query(origin.points[apart])[0]
    return distances


def _look_up_in_transform(origin: Surface, target: Surface, apart: Mask) -> NDArray[np.float64]:
    nearest = distance_transform_edt(
        ~target.voxels, sampling=target.spacing, return_distances=False, return_indices=True
    )
    flat = origin.flat_indices[apart]
    squared = np.zeros(flat.size)
    for axis, index in enumerate(np.unravel_index(flat, origin.voxels.shape)):
        squared += ((nearest[axis].reshape(-1)[flat] - index) * target.spacing[axis]) ** 2
    return np.sqrt(squared)
