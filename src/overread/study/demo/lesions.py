"""Lesions of the white matter: where they lie, how large and how bright they are, and what they add on the lattice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.study.demo.anatomy import Anatomy
from overread.study.demo.fields import HEAD_GRID, Field, Point, compute_scaled_distance, sample_smooth_noise

EDGE_MM = 1.1
"""Softness of the border: brightness falls as the logistic function of the distance over this length."""

VISIBLE_BRIGHTNESS = 0.39
"""Brightness that raters take for the border of a lesion."""

_MEDIAN_VOLUME_ML = 0.38
_VOLUME_LOG_STD = 0.85
_LOOKALIKE_CONTRAST = 0.16
Box: TypeAlias = tuple[slice, slice, slice]
OUTSIDE_MM = -12.0
"""Signed distance given to points far from every lesion."""
_RAGGEDNESS_MM = 0.8
_REACH_MM = 6.0


@dataclass(frozen=True)
class Lesion:
    """An ellipsoid with a soft, ragged border.

    Attributes:
        centre_mm: position in the head.
        radii_mm: semi-axes, the first along `direction`.
        direction: unit vector of the long axis.
        contrast: brightness of its core on FLAIR, 1 for the brightest.
        genuine: False for a faint spot that only looks like a lesion.
    """

    centre_mm: Point
    radii_mm: Point
    direction: Point
    contrast: float
    genuine: bool = True

    @property
    def volume_ml(self) -> float:
        """Volume of the ellipsoid."""
        return float(4 / 3 * np.pi * np.prod(self.radii_mm) / 1000)

    @property
    def conspicuity(self) -> float:
        """How easily it is seen: contrast times mean radius in mm."""
        return float(self.contrast * np.cbrt(np.prod(self.radii_mm)))

    @property
    def visible_growth_mm(self) -> float:
        """How far outside its border (inside where negative) its brightness falls to the level that raters follow.

        That level is `VISIBLE_BRIGHTNESS`, or 0.6 of the contrast of a lesion that is too faint for it.
        """
        level = min(VISIBLE_BRIGHTNESS, 0.6 * self.contrast)
        return EDGE_MM * float(np.log(self.contrast / level - 1))


def sample_lesions(anatomy: Anatomy, count: int, generator: np.random.Generator) -> tuple[Lesion, ...]:
    """Draw lesions: log-normal volume, most of them near the ventricles and pointing away from them."""
    size = float(generator.normal(0, 0.15))
    centres = _sample_centres(anatomy, count, generator)
    gradient = np.stack([np.gradient(anatomy.ventricle_distance_mm, axis=axis) for axis in range(3)])
    lesions = []
    for index in centres:
        volume_ml = _MEDIAN_VOLUME_ML * float(np.exp(size + generator.normal(0, _VOLUME_LOG_STD)))
        away = gradient[:, *index] + generator.normal(0, 0.6, size=3)
        lesions.append(
            Lesion(
                centre_mm=_to_mm(index, generator),
                radii_mm=_sample_radii(float(np.clip(volume_ml, 0.07, 6.0)), generator),
                direction=_normalise(away),
                contrast=float(np.clip(generator.normal(0.8, 0.16), 0.42, 1.0)),
            )
        )
    return tuple(lesions)


def sample_lookalikes(anatomy: Anatomy, count: int, generator: np.random.Generator) -> tuple[Lesion, ...]:
    """Draw faint spots that an annotator may take for lesions."""
    return tuple(
        Lesion(
            centre_mm=_to_mm(index, generator),
            radii_mm=_sample_radii(float(generator.uniform(0.05, 0.25)), generator),
            direction=_normalise(generator.normal(size=3)),
            contrast=_LOOKALIKE_CONTRAST,
            genuine=False,
        )
        for index in _sample_centres(anatomy, count, generator)
    )


def _sample_centres(anatomy: Anatomy, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw points of white matter, (count, 3), with a density that falls with the distance from the ventricles."""
    away = -anatomy.ventricle_distance_mm
    density = np.exp(-np.clip(away, 0, None) / 9) + 0.025
    x, _, z = HEAD_GRID.axes_mm()
    allowed = (anatomy.white > 0.9) & (away > 1.5) & (anatomy.depth_mm > 2) & (np.abs(x) > 8) & (z > -20)
    weights = np.where(allowed, density, 0).ravel().cumsum(dtype=np.float64)
    picks = np.searchsorted(weights, generator.uniform(0, weights[-1], size=count), side="right")
    return np.stack(np.unravel_index(picks, HEAD_GRID.shape), axis=1)


def _to_mm(index: NDArray[np.int64], generator: np.random.Generator) -> Point:
    within = index + generator.uniform(-0.5, 0.5, size=3)
    x, y, z = (start + HEAD_GRID.step_mm * float(i) for start, i in zip(HEAD_GRID.origin_mm, within, strict=True))
    return x, y, z


def _sample_radii(volume_ml: float, generator: np.random.Generator) -> Point:
    """Semi-axes of an ellipsoid of the given volume, the first one 1.1 to 2 times as long as the others."""
    length, flatness = generator.uniform(1.1, 2.0), generator.uniform(0.85, 1.18)
    radius = (3 * volume_ml * 1000 / (4 * np.pi)) ** (1 / 3)
    across = radius / length ** (1 / 3)
    return float(across * length), float(across * flatness), float(across / flatness)


def _normalise(vector: NDArray[np.float64]) -> Point:
    x, y, z = (vector / np.linalg.norm(vector)).tolist()
    return x, y, z


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
