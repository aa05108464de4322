"""Lesions of the white matter: where they lie, how large and how bright they are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.study.demo.anatomy import HEAD_GRID, Anatomy
from overread.study.demo.noise import sample_smooth_noise
from overread.study.demo.shapes import Field, Point, compute_scaled_distance

OUTSIDE_MM = -12.0
"""Signed distance given to points far from every lesion."""

VISIBLE_BRIGHTNESS = 0.39
"""Brightness that raters take for the border of a lesion."""

_MEDIAN_VOLUME_ML = 0.42
_VOLUME_LOG_STD = 0.85
_EDGE_MM = 1.1
_RAGGEDNESS_MM = 0.8
_LOOKALIKE_CONTRAST = 0.16


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
        return self.contrast * float(np.prod(self.radii_mm)) ** (1 / 3)

    @property
    def visible_growth_mm(self) -> float:
        """How far outside its border (inside where negative) its brightness falls to `VISIBLE_BRIGHTNESS`."""
        return _EDGE_MM * float(np.log(max(self.contrast / VISIBLE_BRIGHTNESS - 1, 1e-3)))


def sample_lesions(anatomy: Anatomy, count: int, generator: np.random.Generator) -> tuple[Lesion, ...]:
    """Draw lesions: log-normal volume, most of them near the ventricles and pointing away from them."""
    size = float(generator.normal(0, 0.15))
    centres = _sample_centres(anatomy, count, generator)
    gradient = np.gradient(anatomy.ventricle_distance_mm)
    lesions = []
    for index in centres:
        volume_ml = float(np.exp(np.log(_MEDIAN_VOLUME_ML) + size + generator.normal(0, _VOLUME_LOG_STD)))
        away = np.array([float(part[tuple(index)]) for part in gradient]) + generator.normal(0, 0.6, size=3)
        lesions.append(
            Lesion(
                centre_mm=_to_mm(index, generator),
                radii_mm=_sample_radii(np.clip(volume_ml, 0.06, 7.0), generator),
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
            radii_mm=_sample_radii(float(generator.uniform(0.1, 0.5)), generator),
            direction=_normalise(generator.normal(size=3)),
            contrast=_LOOKALIKE_CONTRAST,
            genuine=False,
        )
        for index in _sample_centres(anatomy, count, generator)
    )


def sample_raggedness(generator: np.random.Generator) -> Field:
    """Draw the displacement of all lesion borders, (X, Y, Z) in mm."""
    return np.float32(_RAGGEDNESS_MM) * sample_smooth_noise(HEAD_GRID.shape, 2.2, generator)


def compute_distances(
    lesions: Sequence[Lesion], raggedness: Field
) -> Iterator[tuple[Lesion, tuple[slice, slice, slice], Field]]:
    """Signed distance in mm to the border of each lesion, in the box of `HEAD_GRID` that holds it."""
    for lesion in lesions:
        box = _find_box(lesion)
        offsets = [
            axis[tuple(part if axis.shape[i] > 1 else slice(None) for i, part in enumerate(box))] - np.float32(middle)
            for axis, middle in zip(HEAD_GRID.axes_mm(), lesion.centre_mm, strict=True)
        ]
        own = [
            sum((np.float32(c) * o for c, o in zip(row, offsets, strict=True)), np.float32(0))
            for row in _build_frame(lesion.direction)
        ]
        yield lesion, box, compute_scaled_distance(own, lesion.radii_mm) + raggedness[box]


def render_brightness(lesions: Sequence[Lesion], raggedness: Field) -> Field:
    """Brightness that the lesions add, 0 to 1, on `HEAD_GRID`: half of a lesion's contrast on its border."""
    brightness = np.zeros(HEAD_GRID.shape, np.float32)
    for lesion, box, distance in compute_distances(lesions, raggedness):
        glow = np.float32(lesion.contrast) / (1 + np.exp(-distance / np.float32(_EDGE_MM)))
        np.maximum(brightness[box], glow, out=brightness[box])
    return brightness


def compute_truth_distance(lesions: Sequence[Lesion], raggedness: Field) -> Field:
    """Signed distance in mm to the border of the nearest genuine lesion, on `HEAD_GRID`."""
    nearest = np.full(HEAD_GRID.shape, OUTSIDE_MM, np.float32)
    for lesion, box, distance in compute_distances(lesions, raggedness):
        if lesion.genuine:
            np.maximum(nearest[box], distance, out=nearest[box])
    return nearest


def _sample_centres(anatomy: Anatomy, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Draw points of white matter, (count, 3), with a density that falls with the distance from the ventricles."""
    away = -anatomy.ventricle_distance_mm
    density = np.exp(-np.clip(away, 0, None) / np.float32(9)) + np.float32(0.025)
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


def _build_frame(direction: Point) -> NDArray[np.float64]:
    """Three orthogonal unit vectors as rows, the first one being `direction`."""
    first = np.asarray(direction)
    helper = np.eye(3)[int(np.argmin(np.abs(first)))]
    second = np.cross(first, helper)
    second /= np.linalg.norm(second)
    return np.stack([first, second, np.cross(first, second)])


def _find_box(lesion: Lesion) -> tuple[slice, slice, slice]:
    reach = max(lesion.radii_mm) + 6
    edges = []
    for middle, start, count in zip(lesion.centre_mm, HEAD_GRID.origin_mm, HEAD_GRID.shape, strict=True):
        low = int(np.floor((middle - reach - start) / HEAD_GRID.step_mm))
        high = int(np.ceil((middle + reach - start) / HEAD_GRID.step_mm)) + 1
        edges.append(slice(max(low, 0), min(high, count)))
    return edges[0], edges[1], edges[2]
