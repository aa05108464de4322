"""Natural label errors: the contour of each slice waves (Heller et al. 2018, section 3.1)."""

from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from overread.labels.seeds import draw_seed
from overread.labels.settings import CONTROL_POINTS, PerturbationSettings
from overread.labels.slices import stack_slices, unstack_slices
from overread.settings import Settings
from overread.types import Mask

_TABLE_SIZE = 1024
"""Places along a contour at which the interpolation is tabulated; between them an offset changes by under 2 %."""
_FRACTION_BITS = 8
"""Of the fixed-point coordinates that OpenCV fills; unmoved contours then fill to exactly the mask they came from."""
_FARTHEST = 2.0**20
"""Voxels from the origin beyond which a point is put back, for OpenCV counts in 32 bits."""
_HALF_VOXEL = 0.5


class NaturalRecord(Settings):
    """What decides how the contours of one mask move.

    Attributes:
        strength: standard deviation of the offsets, in voxels of the slice.
        control_points: offsets per contour.
        seed: of the standard normal numbers that the strength scales, and of the places of the control points.
    """

    mode: Literal["natural"] = "natural"
    strength: float = Field(ge=0)
    control_points: int = CONTROL_POINTS
    seed: int


def sample_natural(settings: PerturbationSettings, generator: np.random.Generator) -> NaturalRecord:
    """Draw the seed of one mask's errors."""
    return NaturalRecord(strength=settings.strength, control_points=settings.control_points, seed=draw_seed(generator))


def apply_natural(mask: Mask, record: NaturalRecord) -> Mask:
    """Move each point of each contour towards or away from the contour's centre, and fill what the contours enclose.

    Normal offsets at a few places, evenly spread along the contour from a random one, are joined by a periodic cubic
    spline. Points move along the ray from the contour's centroid and never pass it; a contour whose points all reach it
    vanishes. Holes move like outer contours. Deviations from the authors' program: holes stay holes, the spline has no
    kink where the contour closes, and the centre is the mean of the points instead of that of the bounding box.

    Args:
        mask: (Y, X) or (X, Y, Z) bool; slices lie along the last axis.
        record: what `sample_natural` drew.

    Returns:
        The perturbed mask; parts that leave the image are cut off.
    """
    slices = stack_slices(mask)
    if record.strength > 0:
        generator = np.random.default_rng(record.seed)
        for index in np.flatnonzero(slices.any(axis=(1, 2))):
            slices[index] = _perturb_slice(slices[index], record, generator)
    return unstack_slices(slices, mask.ndim)


def _perturb_slice(mask: Mask, record: NaturalRecord, generator: np.random.Generator) -> Mask:
    cv2 = _load_opencv()
    contours, hierarchy = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    moved = _move_contours([contour[:, 0] for contour in contours], record, generator)
    filled = np.zeros(mask.shape, np.uint8)
    parents = hierarchy[0, :, 3]
    holes: dict[int, list[NDArray[np.int32]]] = {}
    for index in np.flatnonzero(parents >= 0):
        if (hole := moved[index]) is not None:
            holes.setdefault(int(parents[index]), []).append(hole)
    for index in np.flatnonzero(parents < 0):
        if (outer := moved[index]) is not None:
            cv2.fillPoly(filled, [outer, *holes.get(int(index), [])], 1, shift=_FRACTION_BITS)
    return filled.view(np.bool_)


def _move_contours(
    contours: list[NDArray[np.int32]], record: NaturalRecord, generator: np.random.Generator
) -> list[NDArray[np.int32] | None]:
    """Contours (N, 2) in fixed point after the move, None for those that vanish."""
    normals = generator.standard_normal((len(contours), record.control_points))
    starts = generator.random(len(contours))
    # A single voxel has no ray to move along, so it stands for as many points as it has offsets, each with its own ray.
    contours = [np.repeat(c, record.control_points, axis=0) if len(c) == 1 else c for c in contours]
    sizes = np.array([len(contour) for contour in contours])
    begins = np.cumsum(sizes) - sizes
    owner = np.repeat(np.arange(len(contours)), sizes)
    points = np.concatenate(contours).astype(np.float64)
    centres = np.add.reduceat(points, begins) / sizes[:, np.newaxis]
    place = (np.arange(len(points)) - begins[owner]) / sizes[owner]
    waves = record.strength * normals @ _tabulate_spline(record.control_points)
    offsets = waves[owner, ((place + starts[owner]) * _TABLE_SIZE).astype(np.intp) % _TABLE_SIZE]
    moved, collapsed = _move_points(points, centres[owner], offsets, place)
    fixed = np.rint(np.clip(moved, -_FARTHEST, _FARTHEST) * 2**_FRACTION_BITS).astype(np.int32)
    vanished = np.logical_and.reduceat(collapsed, begins)
    parts = np.split(fixed, begins[1:])
    return [None if gone else part for part, gone in zip(parts, vanished, strict=True)]


def _move_points(
    points: NDArray[np.float64], centres: NDArray[np.float64], offsets: NDArray[np.float64], place: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Points (N, 2) after the move, and which of them reach the centre.

    Contours run through voxel centres, so that the region reaches half a voxel farther out than its contour.
    """
    rays = points - centres
    radii = np.hypot(rays[:, 0], rays[:, 1])
    central = radii == 0
    rays[central] = np.column_stack([np.cos(2 * np.pi * place[central]), np.sin(2 * np.pi * place[central])])
    reach = np.maximum(radii + offsets, 0) / np.where(central, 1, radii)
    return centres + rays * reach[:, np.newaxis], radii + offsets <= -_HALF_VOXEL


@cache
def _tabulate_spline(control_points: int) -> NDArray[np.float64]:
    """Weight of each control point at each place of the table, (control points, places)."""
    from scipy.interpolate import CubicSpline

    knots = np.arange(control_points + 1) / control_points
    impulses = np.eye(control_points)[np.arange(control_points + 1) % control_points]
    return np.asarray(CubicSpline(knots, impulses, bc_type="periodic")(np.arange(_TABLE_SIZE) / _TABLE_SIZE).T)


@cache
def _load_opencv() -> Any:
    """OpenCV on one thread, as every process of Overread works."""
    import cv2

    cv2.setNumThreads(1)
    return cv2
