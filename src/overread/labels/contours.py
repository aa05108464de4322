"""Contours of one slice: traced, moved by smooth noise, and filled."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.types import Mask

CONTROL_POINTS = 5
"""Offsets per contour in the program of Heller et al. 2018."""
_TABLE_SIZE = 1024
"""Places along a contour at which the interpolation is tabulated; between them an offset changes by under 2 %."""
FRACTION_BITS = 8
"""Of the fixed-point coordinates that OpenCV fills; unmoved contours then fill to exactly the mask they came from."""
_FARTHEST = 2.0**20
"""Voxels from the origin beyond which a point is put back, for OpenCV counts in 32 bits."""
_HALF_VOXEL = 0.5


@dataclass(frozen=True)
class Contours:
    """The boundary of a slice.

    Attributes:
        points: one array (N, 2) of column and row per contour, through the centres of the outermost voxels.
        parents: (contours,) index of the contour whose hole this one is, -1 for outer contours.
        shape: rows and columns of the slice.
    """

    points: tuple[NDArray[np.int32], ...]
    parents: NDArray[np.int32]
    shape: tuple[int, ...]


def trace_contours(mask: Mask) -> Contours:
    """Trace the boundary of each component and of each hole.

    Args:
        mask: (rows, columns) bool with foreground, contiguous.
    """
    cv2 = load_opencv()
    found, hierarchy = cv2.findContours(mask.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return Contours(tuple(contour[:, 0] for contour in found), hierarchy[0, :, 3], mask.shape)


def fill_moved_contours(
    contours: Contours, *, strength: float, control_points: int, generator: np.random.Generator
) -> Mask:
    """Move each contour by noise of its own, and fill the components without their holes.

    Args:
        contours: what `trace_contours` found.
        strength: standard deviation of the offsets at the control points, in voxels.
        control_points: offsets per contour.
        generator: gives the same numbers whatever the strength.
    """
    cv2 = load_opencv()
    normals = generator.standard_normal((len(contours.points), control_points))
    starts = generator.random(len(contours.points))
    moved = _move_contours(contours.points, strength * normals, starts)
    filled = np.zeros(contours.shape, np.uint8)
    holes: dict[int, list[NDArray[np.int32]]] = {}
    for index in np.flatnonzero(contours.parents >= 0):
        if (hole := moved[index]) is not None:
            holes.setdefault(int(contours.parents[index]), []).append(hole)
    for index in np.flatnonzero(contours.parents < 0):
        if (outer := moved[index]) is not None:
            cv2.fillPoly(filled, [outer, *holes.get(int(index), [])], 1, shift=FRACTION_BITS)
    return filled.view(np.bool_)


def to_fixed_point(points: NDArray[Any]) -> NDArray[np.int32]:
    """Columns and rows (N, 2) as OpenCV takes them, with FRACTION_BITS bits behind the point."""
    return np.asarray(np.rint(points * 2**FRACTION_BITS), np.int32)


@cache
def load_opencv() -> Any:
    """OpenCV on one thread, as every process of Overread works."""
    import cv2

    cv2.setNumThreads(1)
    return cv2


def _move_contours(
    contours: tuple[NDArray[np.int32], ...], offsets: NDArray[np.float64], starts: NDArray[np.float64]
) -> list[NDArray[np.int32] | None]:
    """Contours (N, 2) in fixed point after the move, None for those that vanish."""
    control_points = offsets.shape[1]
    # A single voxel has no ray to move along, so it stands for as many points as it has offsets, each with its own ray.
    drawn = [np.repeat(c, control_points, axis=0) if len(c) == 1 else c for c in contours]
    sizes = np.array([len(contour) for contour in drawn])
    begins = np.cumsum(sizes) - sizes
    owner = np.repeat(np.arange(len(drawn)), sizes)
    points = np.concatenate(drawn).astype(np.float64)
    centres = np.add.reduceat(points, begins) / sizes[:, np.newaxis]
    place = (np.arange(len(points)) - begins[owner]) / sizes[owner]
    column = ((place + starts[owner]) * _TABLE_SIZE).astype(np.intp) % _TABLE_SIZE
    waves = (offsets @ _tabulate_spline(control_points))[owner, column]
    moved, collapsed = _move_points(points, centres[owner], waves, place)
    fixed = to_fixed_point(np.clip(moved, -_FARTHEST, _FARTHEST))
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
