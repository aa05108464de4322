"""Natural label errors: the contour of each slice waves (Heller et al. 2018, section 3.1)."""

from typing import Literal

import numpy as np
from pydantic import Field

from overread.labels.contours import fill_moved_contours, trace_contours
from overread.labels.seeds import draw_seed
from overread.labels.settings import CONTROL_POINTS, PerturbationSettings
from overread.labels.slices import stack_slices, unstack_slices
from overread.settings import Settings
from overread.types import Mask


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
    return NaturalRecord(
        strength=settings.require_strength(), control_points=settings.control_points, seed=draw_seed(generator)
    )


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
            slices[index] = fill_moved_contours(
                trace_contours(slices[index]),
                strength=record.strength,
                control_points=record.control_points,
                generator=generator,
            )
    return unstack_slices(slices, mask.ndim)
