"""Lesions on the lattice: distances to their borders, and the brightness that they add."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.study.demo.lesions import EDGE_MM, Lesion
from overread.study.demo.noise import sample_smooth_noise
from overread.study.demo.shapes import HEAD_GRID, Field, Point, compute_scaled_distance

Box: TypeAlias = tuple[slice, slice, slice]

OUTSIDE_MM = -12.0
"""Signed distance given to points far from every lesion."""

_RAGGEDNESS_MM = 0.8
_REACH_MM = 6.0


def sample_raggedness(generator: np.random.Generator) -> Field:
    """Draw the displacement of all lesion borders, (X, Y, Z) in mm."""
    return _RAGGEDNESS_MM * sample_smooth_noise(HEAD_GRID.shape, 2.2, generator)


def compute_distances(lesions: Sequence[Lesion], raggedness: Field) -> Iterator[tuple[Lesion, Box, Field]]:
    """Signed distance in mm to the border of each lesion, in the box of `HEAD_GRID` that holds it."""
    x, y, z = HEAD_GRID.axes_mm()
    for lesion in lesions:
        box = _find_box(lesion)
        local = (x[box[0]], y[:, box[1]], z[:, :, box[2]])
        offsets = [axis - middle for axis, middle in zip(local, lesion.centre_mm, strict=True)]
        own = [
            row[0] * offsets[0] + row[1] * offsets[1] + row[2] * offsets[2] for row in _build_frame(lesion.direction)
        ]
        yield lesion, box, compute_scaled_distance(own, lesion.radii_mm) + raggedness[box]


def render_brightness(lesions: Sequence[Lesion], raggedness: Field) -> Field:
    """Brightness that the lesions add, 0 to 1, on `HEAD_GRID`: half of a lesion's contrast on its border."""
    brightness = np.zeros(HEAD_GRID.shape, np.float32)
    for lesion, box, distance in compute_distances(lesions, raggedness):
        glow = lesion.contrast / (1 + np.exp(-distance / EDGE_MM))
        np.maximum(brightness[box], glow, out=brightness[box])
    return brightness


def merge_distances(lesions: Sequence[Lesion], raggedness: Field, growth_mm: Sequence[float | None]) -> Field:
    """Signed distance in mm to the border of the nearest lesion, positive inside, on `HEAD_GRID`.

    Args:
        lesions: all lesions of a case.
        raggedness: displacement of their borders, (X, Y, Z) in mm.
        growth_mm: per lesion, how far its border is moved outwards; None leaves the lesion out.
    """
    nearest = np.full(HEAD_GRID.shape, OUTSIDE_MM, np.float32)
    for (_, box, distance), growth in zip(compute_distances(lesions, raggedness), growth_mm, strict=True):
        if growth is not None:
            np.maximum(nearest[box], distance + growth, out=nearest[box])
    return nearest


def _build_frame(direction: Point) -> NDArray[np.float32]:
    """Three orthogonal unit vectors as rows, the first one being `direction`."""
    first = np.asarray(direction)
    helper = np.eye(3)[int(np.argmin(np.abs(first)))]
    second = np.cross(first, helper)
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)]).astype(np.float32)


def _find_box(lesion: Lesion) -> Box:
    reach = max(lesion.radii_mm) + _REACH_MM
    edges = []
    for middle, start, count in zip(lesion.centre_mm, HEAD_GRID.origin_mm, HEAD_GRID.shape, strict=True):
        low = int(np.floor((middle - reach - start) / HEAD_GRID.step_mm))
        high = int(np.ceil((middle + reach - start) / HEAD_GRID.step_mm)) + 1
        edges.append(slice(max(low, 0), min(high, count)))
    return edges[0], edges[1], edges[2]
