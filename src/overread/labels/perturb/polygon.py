"""Polygon label errors: few vertices are left of each contour (Redekop and Chernyavskiy 2021, section 2.1)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from overread.labels.contours import FRACTION_BITS, Contours, load_opencv, to_fixed_point, trace_contours
from overread.labels.perturb.mode import PerturbationMode
from overread.labels.seeds import draw_seed
from overread.labels.slices import stack_slices, unstack_slices
from overread.settings import Settings
from overread.types import Mask

if TYPE_CHECKING:
    from overread.labels.settings import PerturbationSettings

_Curve: TypeAlias = NDArray[np.int32]
"""A closed curve, (N, 2) of column and row in fixed point."""
_SMOOTH_POINTS_PER_POINT = 2
"""A smooth curve is drawn as a polygon with sides of half a voxel or so."""
LEAST_VERTICES = 3
"""A polygon of fewer has no area."""


def fill_reduced_contours(contours: Contours, *, vertices: int, smooth: bool, generator: np.random.Generator) -> Mask:
    """Reduce each contour to a few vertices, and fill the components without their holes.

    Args:
        contours: what `trace_contours` found.
        vertices: points that are left of each contour.
        smooth: join them by a smooth closed curve instead of straight lines.
        generator: gives the same numbers whatever the vertices.
    """
    starts = generator.random(len(contours.points))
    full = [to_fixed_point(points) for points in contours.points]
    reduced = [
        to_fixed_point(reduce_contour(points, vertices=vertices, smooth=smooth, start=float(start)))
        for points, start in zip(contours.points, starts, strict=True)
    ]
    holes: dict[int, list[tuple[_Curve, _Curve]]] = {}
    for index in np.flatnonzero(contours.parents >= 0):
        holes.setdefault(int(contours.parents[index]), []).append((reduced[index], full[index]))
    filled = np.zeros(contours.shape, np.uint8)
    for index in np.flatnonzero(contours.parents < 0):
        _fill_component(filled, reduced[index], holes.get(int(index), []))
    return filled.view(np.bool_)


def reduce_contour(points: NDArray[np.int32], *, vertices: int, smooth: bool, start: float) -> NDArray[np.float64]:
    """Leave the points of a closed contour that lie nearest to evenly spread places, and join them.

    Args:
        points: (N, 2) of column and row.
        vertices: points that are left; where two places have the same nearest point, one fewer.
        smooth: join them by the periodic cubic spline over the length of the contour.
        start: first place, as a share of the contour's length, in [0, 1).

    Returns:
        (M, 2) corners of the closed curve; `points` themselves if there are no more of them than wanted.
    """
    if len(points) <= vertices:
        return points.astype(np.float64)
    sides = np.hypot(*np.diff(points, axis=0, append=points[:1]).T)
    ends = np.cumsum(sides)
    places = (start + np.arange(vertices) / vertices) % 1 * ends[-1]
    chosen = np.unique(np.searchsorted(ends - sides / 2, places) % len(points))
    corners: NDArray[np.float64] = points[chosen].astype(np.float64)
    if not smooth:
        return corners
    return _draw_spline(corners, (ends - sides)[chosen], ends[-1], count=_SMOOTH_POINTS_PER_POINT * len(points))


def _draw_spline(
    corners: NDArray[np.float64], places: NDArray[np.float64], length: float, *, count: int
) -> NDArray[np.float64]:
    from scipy.interpolate import CubicSpline

    spline = CubicSpline(np.append(places, places[0] + length), np.vstack([corners, corners[:1]]), bc_type="periodic")
    # The corners are among the points of the curve, so that no component loses the voxels there.
    return np.asarray(spline(np.union1d(places, places[0] + length * np.arange(count) / count)), np.float64)


def _fill_component(filled: NDArray[np.uint8], outer: _Curve, holes: Sequence[tuple[_Curve, _Curve]]) -> None:
    """Add a component to a slice; each hole has its reduced and its full contour.

    Components are filled one by one, so that a hole does not reach into an island that lies in it.
    """
    cv2 = load_opencv()
    if not holes:
        cv2.fillPoly(filled, [outer], 1, shift=FRACTION_BITS)
        return
    component = np.zeros_like(filled)
    cv2.fillPoly(component, [outer], 1, shift=FRACTION_BITS)
    for reduced, full in holes:
        if not _cut_hole(component, reduced):
            _cut_hole(component, full)
    filled |= component


def _cut_hole(component: NDArray[np.uint8], hole: _Curve) -> bool:
    """Clear what a curve encloses, without the curve, which runs through voxels of the component; False if nothing."""
    low = np.maximum(hole.min(axis=0) >> FRACTION_BITS, 0)
    high = (hole.max(axis=0) >> FRACTION_BITS) + 2
    box = component[low[1] : high[1], low[0] : high[0]]
    rows, columns = box.shape
    frame = np.array([[-1, -1], [columns, -1], [columns, rows], [-1, rows]])
    outside = np.zeros(box.shape, np.uint8)
    curves = [to_fixed_point(frame), hole - to_fixed_point(low)]
    load_opencv().fillPoly(outside, curves, 1, shift=FRACTION_BITS)
    box &= outside
    return not outside.all()


class PolygonRecord(Settings):
    """What decides how the contours of one mask are reduced.

    Attributes:
        vertices: points that are left of each contour.
        smooth: they are joined by a smooth closed curve instead of straight lines.
        seed: of the places at which the contours begin.
    """

    mode: Literal["polygon"] = "polygon"
    vertices: int = Field(ge=LEAST_VERTICES)
    smooth: bool = False
    seed: int


def sample_polygon(settings: "PerturbationSettings", generator: np.random.Generator) -> PolygonRecord:
    """Draw the seed of one mask's errors."""
    return PolygonRecord(vertices=settings.require_vertices(), smooth=settings.smooth, seed=draw_seed(generator))


def apply_polygon(mask: Mask, record: PolygonRecord) -> Mask:
    """Leave a few points of the contour of each component and of each hole, join them, and fill what they enclose.

    The points are spread evenly by arc length, in voxels of the slice, from a random place on, as a hurried annotator
    clicks along an outline. Straight lines or a periodic cubic spline join them. The paper says only that the number of
    vertices is reduced; which of them are left, and which smooth curve joins them, are choices of ours.

    A contour that has no more points than are wanted stays as it is. Each component keeps the voxels at its vertices
    and so never vanishes, if no hole is cut out of them; a hole that its reduced contour would close keeps its own. A
    curve that crosses itself is filled by the even-odd rule.

    Args:
        mask: (Y, X) or (X, Y, Z) bool; slices lie along the last axis.
        record: what `sample_polygon` drew.

    Returns:
        The perturbed mask; parts of smooth curves that leave the image are cut off.

    Raises:
        InputError: the mask is not bool, or has neither two nor three axes.
    """
    slices = stack_slices(mask)
    generator = np.random.default_rng(record.seed)
    for index in np.flatnonzero(slices.any(axis=(1, 2))):
        slices[index] = fill_reduced_contours(
            trace_contours(slices[index]), vertices=record.vertices, smooth=record.smooth, generator=generator
        )
    return unstack_slices(slices, mask.ndim)


POLYGON = PerturbationMode(
    name="polygon",
    title="few vertices",
    description=(
        "few points of the outline are left, joined by straight lines or a smooth curve; the number is that of the "
        "points"
    ),
    sample=sample_polygon,
    apply=lambda mask, record, _: apply_polygon(mask, record),
    takes=("vertices", "smooth"),
    strength=None,
)
