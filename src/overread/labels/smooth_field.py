"""Smooth standard normal fields."""

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]

_SUPPORT = 4
"""Lattice points that a cubic B-spline reaches along each axis."""
LARGEST_VALUE = 5.0
"""Values beyond are cut off, one voxel in two million, so that a field is known to change nothing far away."""


def draw_smooth_field(
    shape: tuple[int, ...], box: Box, *, waves: tuple[float, ...], generator: np.random.Generator
) -> NDArray[np.float32]:
    """Draw a field that is standard normal at each voxel and smooth between them.

    Normal numbers on a coarse lattice are joined by cubic B-splines, whose weights are scaled at each voxel so that the
    variance is 1 everywhere. The numbers cover the whole grid: the field at a voxel does not depend on the box.

    Args:
        shape: (X, Y, Z) of the whole grid.
        box: the part of the grid that is wanted.
        waves: distance of the lattice points along each axis, in voxels, at least 1.
        generator: where the numbers come from.

    Returns:
        The values in the box, float32, in [-5, 5].
    """
    counts = [int(np.ceil((size - 1) / wave)) + _SUPPORT for size, wave in zip(shape, waves, strict=True)]
    field = generator.standard_normal(counts, dtype=np.float32)
    for axis, (part, wave, count) in enumerate(zip(box, waves, counts, strict=True)):
        weights = _weigh_lattice(np.arange(part.start, part.stop) / wave, count)
        field = np.moveaxis(np.tensordot(weights, field, axes=(1, axis)), 0, axis)
    return np.clip(field, -LARGEST_VALUE, LARGEST_VALUE)


def _weigh_lattice(places: NDArray[np.float64], count: int) -> NDArray[np.float32]:
    """Weight of each lattice point at each place, (places, lattice points); each row has length 1."""
    distances = np.abs(places[:, np.newaxis] + 1 - np.arange(count))
    near = 2 / 3 - distances**2 * (1 - distances / 2)
    far = np.maximum(2 - distances, 0) ** 3 / 6
    weights = np.where(distances < 1, near, far)
    return np.asarray(weights / np.linalg.norm(weights, axis=1, keepdims=True), np.float32)
