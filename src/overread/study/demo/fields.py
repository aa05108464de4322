"""Fields on the lattice of the head: solid shapes as signed distances in mm, positive inside, and smooth noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field: TypeAlias = NDArray[np.float32]
"""(X, Y, Z) or broadcastable to it."""

Axes: TypeAlias = tuple[Field, Field, Field]
"""Coordinates x, y and z in mm, broadcastable to (X, Y, Z)."""

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

    def axes_mm(self) -> Axes:
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
    offsets = [axis - middle for axis, middle in zip(axes, centre, strict=True)]
    return compute_scaled_distance(offsets, radii)


def compute_scaled_distance(offsets: Sequence[Field], radii: Point) -> Field:
    """Approximate signed distance to an ellipsoid around 0; `offsets` are coordinates along its own axes in mm."""
    scaled = [offset / radius for offset, radius in zip(offsets, radii, strict=True)]
    k0 = compute_length(scaled)
    k1 = compute_length([offset / radius for offset, radius in zip(scaled, radii, strict=True)])
    tiny = 1e-4
    return np.asarray((1 - k0) * (k0 + tiny) / (k1 + tiny / min(radii)), np.float32)


def compute_length(vector: Sequence[Field]) -> Field:
    """Euclidean length of three-dimensional vectors, given by their x, y and z parts."""
    x, y, z = vector
    return np.asarray(np.sqrt(x**2 + y**2 + z**2), np.float32)


def compute_tube(axes: Sequence[Field], path: Sequence[Point], radii: Sequence[float]) -> Field:
    """Signed distance to a tube of varying radius along a line of straight pieces, (X, Y, Z) in mm."""
    pieces = [
        _compute_capsule(axes, start, stop, first, last)
        for start, stop, first, last in zip(path[:-1], path[1:], radii[:-1], radii[1:], strict=True)
    ]
    return np.asarray(np.maximum.reduce(pieces), np.float32)


def _compute_capsule(axes: Sequence[Field], start: Point, stop: Point, first: float, last: float) -> Field:
    direction = [b - a for a, b in zip(start, stop, strict=True)]
    offsets = [axis - a for axis, a in zip(axes, start, strict=True)]
    x, y, z = (offset * part / sum(d * d for d in direction) for offset, part in zip(offsets, direction, strict=True))
    along = np.clip(x + y + z, 0, 1)
    away = compute_length([offset - along * part for offset, part in zip(offsets, direction, strict=True)])
    return np.asarray(first + along * (last - first) - away, np.float32)


def join_smoothly(first: Field, second: Field, blend_mm: float) -> Field:
    """Signed distance to the union of two shapes whose seam is rounded over about `blend_mm`."""
    overlap = np.maximum(blend_mm - np.abs(first - second), 0) / blend_mm
    return np.asarray(np.maximum(first, second) + overlap**2 * (blend_mm / 4), np.float32)


def shift(distance: Field, outwards_mm: float) -> Field:
    """Signed distance to a surface moved outwards by `outwards_mm` (inwards where negative)."""
    return np.asarray(distance + outwards_mm, np.float32)


def soften(distance: Field, width_mm: float) -> Field:
    """Share of tissue inside, 0 to 1, for a signed distance: 0.5 on the surface, soft over about `width_mm`."""
    return np.asarray(np.clip(0.5 + distance / (2 * width_mm), 0, 1), np.float32)


def sample_smooth_noise(shape: tuple[int, ...], correlation: float, generator: np.random.Generator) -> Field:
    """Gaussian random field with mean 0 and std 1.

    Drawn on a coarse lattice and interpolated where the correlation is long, for speed.

    Args:
        shape: (X, Y, Z) in points.
        correlation: std of the Gaussian kernel, in points.
        generator: source of randomness.
    """
    factor = max(1, int(correlation // 1.5))
    coarse = tuple(-(-size // factor) + 4 for size in shape)
    white = generator.standard_normal(coarse, dtype=np.float32)
    smooth = ndimage.gaussian_filter(white, correlation / factor, mode="wrap", truncate=3)
    smooth = (smooth - smooth.mean()) / smooth.std()
    if factor == 1:
        return np.asarray(smooth[tuple(slice(size) for size in shape)], np.float32)
    scale = np.full(len(shape), 1 / factor)
    return np.asarray(ndimage.affine_transform(smooth, scale, offset=1.0, output_shape=shape, order=1), np.float32)


def sample_banded_noise(shape: tuple[int, ...], correlation: float, generator: np.random.Generator) -> Field:
    """Random field of one dominant wavelength, mean 0 and std 1: the difference of two Gaussian-smoothed copies.

    The wavelength is about 5.7 times `correlation` (in points).
    """
    white = generator.standard_normal(shape, dtype=np.float32)
    fine = ndimage.gaussian_filter(white, correlation, mode="wrap", truncate=3)
    banded = fine - ndimage.gaussian_filter(white, 1.6 * correlation, mode="wrap", truncate=3)
    return np.asarray((banded - banded.mean()) / banded.std(), np.float32)
