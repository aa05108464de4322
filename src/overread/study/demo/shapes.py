"""Solid shapes as signed distances in mm, positive inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.float32]
"""(X, Y, Z) or broadcastable to it."""

Point: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True)
class Grid:
    """A cubic lattice of points in patient space (x to the right, y to the front, z to the top of the head).

    Attributes:
        shape: number of points along x, y and z.
        origin_mm: position of the first point.
        step_mm: distance of neighbouring points, the same along each axis.
    """

    shape: tuple[int, int, int]
    origin_mm: Point
    step_mm: float

    def axes_mm(self) -> tuple[Field, Field, Field]:
        """Coordinates in mm, shaped (X, 1, 1), (1, Y, 1) and (1, 1, Z)."""
        x, y, z = (
            (start + self.step_mm * np.arange(count)).astype(np.float32)
            for start, count in zip(self.origin_mm, self.shape, strict=True)
        )
        return x[:, None, None], y[None, :, None], z[None, None, :]


HEAD_GRID = Grid(shape=(84, 104, 80), origin_mm=(-72.6, -91.0, -72.0), step_mm=1.75)
"""The lattice on which heads are built, before a scanner samples them."""


def compute_ellipsoid(axes: Sequence[Field], centre: Point, radii: Point) -> Field:
    """Approximate signed distance to an ellipsoid along the axes, in mm.

    Exact for a sphere, of first order near any surface: k0 (1 - k0) / k1 with k0 = |p/r| and k1 = |p/r²|.

    Args:
        axes: coordinates x, y, z in mm, broadcastable to (X, Y, Z).
        centre: mm.
        radii: semi-axes in mm.
    """
    offsets = [axis - np.float32(middle) for axis, middle in zip(axes, centre, strict=True)]
    return compute_scaled_distance(offsets, radii)


def compute_scaled_distance(offsets: Sequence[Field], radii: Point) -> Field:
    """Approximate signed distance to an ellipsoid around 0; `offsets` are coordinates along its own axes in mm."""
    first = sum((offset / np.float32(radius)) ** 2 for offset, radius in zip(offsets, radii, strict=True))
    second = sum((offset / np.float32(radius**2)) ** 2 for offset, radius in zip(offsets, radii, strict=True))
    k0, k1 = np.sqrt(np.asarray(first, np.float32)), np.sqrt(np.asarray(second, np.float32))
    tiny = np.float32(1e-4)
    return (1 - k0) * (k0 + tiny) / (k1 + tiny / np.float32(min(radii)))


def compute_tube(axes: Sequence[Field], path: Sequence[Point], radii: Sequence[float]) -> Field:
    """Signed distance to a tube of varying radius along a line of straight pieces, (X, Y, Z) in mm."""
    pieces = [
        _compute_capsule(axes, start, stop, first, last)
        for start, stop, first, last in zip(path[:-1], path[1:], radii[:-1], radii[1:], strict=True)
    ]
    return np.maximum.reduce(pieces)


def _compute_capsule(axes: Sequence[Field], start: Point, stop: Point, first: float, last: float) -> Field:
    direction = [np.float32(b - a) for a, b in zip(start, stop, strict=True)]
    offsets = [axis - np.float32(a) for axis, a in zip(axes, start, strict=True)]
    length_squared = np.float32(sum(d * d for d in direction))
    along = sum(o * d for o, d in zip(offsets, direction, strict=True)) / length_squared
    along = np.clip(np.asarray(along, np.float32), 0, 1)
    squared = sum((o - along * d) ** 2 for o, d in zip(offsets, direction, strict=True))
    return np.float32(first) + along * np.float32(last - first) - np.sqrt(np.asarray(squared, np.float32))


def join_smoothly(first: Field, second: Field, blend_mm: float) -> Field:
    """Signed distance to the union of two shapes whose seam is rounded over about `blend_mm`."""
    overlap = np.maximum(np.float32(blend_mm) - np.abs(first - second), 0) / np.float32(blend_mm)
    return np.maximum(first, second) + overlap**2 * np.float32(blend_mm / 4)


def soften(distance: Field, width_mm: float) -> Field:
    """Share of tissue inside, 0 to 1, for a signed distance: 0.5 on the surface, soft over about `width_mm`."""
    return np.clip(np.float32(0.5) + distance / np.float32(2 * width_mm), 0, 1)
