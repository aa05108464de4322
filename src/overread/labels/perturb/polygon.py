"""Polygon label errors: few vertices are left of each contour (Redekop and Chernyavskiy 2021, section 2.1)."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from overread.labels.contours import trace_contours
from overread.labels.perturb.mode import PerturbationMode
from overread.labels.reduced_contours import fill_reduced_contours
from overread.labels.seeds import draw_seed
from overread.labels.slices import stack_slices, unstack_slices
from overread.settings import Settings
from overread.types import Mask

if TYPE_CHECKING:
    from overread.labels.settings import PerturbationSettings

LEAST_VERTICES = 3
"""A polygon of fewer has no area."""


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
    sample=sample_polygon,
    apply=lambda mask, record, _: apply_polygon(mask, record),
    takes=("vertices", "smooth"),
    strength=None,
)
