"""Natural label errors: the contour of each slice waves (Heller et al. 2018, section 3.1)."""

from collections.abc import Callable, Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from pydantic import Field

from overread.labels.contours import CONTROL_POINTS, fill_moved_contours, trace_contours
from overread.labels.expected_dice import (
    MOST_DRAWS,
    MeasureDice,
    average_dice,
    count_voxels,
    find_case_begins,
    repeat_slices,
    seed_slice,
)
from overread.labels.perturb.mode import Calibration, Cases, PerturbationMode, Strength
from overread.labels.perturb.natural_volume import (
    NaturalVolumeRecord,
    apply_natural_volume,
    prepare_volume_dice,
    sample_natural_volume,
)
from overread.labels.perturb.search import (
    calibrate_slices,
    check_any,
    count_slices,
    search_expected,
    select_filled,
)
from overread.labels.seeds import draw_seed, seed_generator
from overread.labels.slices import SampledSlice, stack_slices, unstack_slices
from overread.settings import Settings
from overread.types import Mask, Spacing

if TYPE_CHECKING:
    from overread.labels.settings import PerturbationSettings, VariantSettings

_LEAST_SLICES = 250
"""A sample of fewer slices is drawn several times."""
_LEAST_VOLUMES = 64
"""A study of fewer volumes is drawn several times, so that the mean is near the expectation."""
_REACH_GROWTH = 4.0


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


def sample_natural(settings: "PerturbationSettings", generator: np.random.Generator) -> NaturalRecord:
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


def calibrate_natural(cases: Cases, variant: "VariantSettings", where: str) -> Calibration:
    """Calibrate on slices, or on whole masks if volumetric: then cases are held if they come from an iterator."""
    if variant.volumetric:
        return _calibrate_volumes(tuple(cases) if isinstance(cases, Iterator) else cases, variant, where)
    return calibrate_slices(
        cases,
        variant,
        where,
        lay_planes=stack_slices,
        prepare=lambda slices: prepare_natural_dice(slices, control_points=CONTROL_POINTS, seed=variant.seed),
    )


def prepare_natural_dice(slices: Sequence[SampledSlice], *, control_points: int, seed: int) -> MeasureDice:
    """Mean Dice as a function of the strength of natural errors.

    Args:
        slices: sampled as `apply_natural` sees them.
        control_points: offsets per contour.
        seed: of the offsets.
    """
    entries = repeat_slices(slices, min(ceil(_LEAST_SLICES / len(slices)), MOST_DRAWS))
    seeds = [draw_seed(seed_slice(seed, *entry)) for entry in entries]
    traced = [trace_contours(item.unpack()) for item in slices] * (len(entries) // len(slices))
    begins = find_case_begins(entries)

    def measure(strength: float) -> float:
        counts = [
            count_voxels(
                item.unpack(),
                fill_moved_contours(
                    contours,
                    strength=strength,
                    control_points=control_points,
                    generator=np.random.default_rng(drawn),
                ),
            )
            for (_, item), contours, drawn in zip(entries, traced, seeds, strict=True)
        ]
        return average_dice(*np.add.reduceat(np.array(counts), begins).T)

    return measure


def trace_draw(
    cases: Cases, variant: "VariantSettings", limit: float, seed_of: Callable[[str], int]
) -> MeasureDice | None:
    """Mean Dice of one draw at all strengths up to `limit`; None for errors that work slice by slice."""
    if not variant.volumetric:
        return None
    return prepare_volume_dice(
        cases, seeds=lambda case_id: [seed_of(case_id)], reach=limit, control_points=CONTROL_POINTS
    )


def _calibrate_volumes(cases: Cases, variant: "VariantSettings", where: str) -> Calibration:
    """Trace the Dice up to a voxel of strength, and farther as long as the target is not reached."""
    filled = [(count_slices(mask), spacing, mask.shape) for _, mask, spacing in select_filled(cases)]
    check_any(len(filled), where)
    slice_count = sum(count for count, _, _ in filled)
    reach = float(np.mean([spacing for _, spacing, _ in filled]))
    limit = max(size * n for _, spacing, shape in filled for size, n in zip(spacing, shape, strict=True))
    draws, target = ceil(_LEAST_VOLUMES / len(filled)), variant.require_dice()

    def draw_seeds(case_id: str) -> list[int]:
        return [draw_seed(seed_generator(variant.seed, "calibration", case_id, draw)) for draw in range(draws)]

    while True:
        measure = prepare_volume_dice(cases, seeds=draw_seeds, reach=reach, control_points=CONTROL_POINTS)
        if measure(reach) < target or reach >= limit:
            return search_expected(measure, variant, limit=reach, slice_count=slice_count, where=where)
        reach = min(reach * _REACH_GROWTH, limit)


_AnyRecord: TypeAlias = NaturalRecord | NaturalVolumeRecord


def _sample(settings: "PerturbationSettings", generator: np.random.Generator) -> _AnyRecord:
    return (sample_natural_volume if settings.volumetric else sample_natural)(settings, generator)


def _apply(mask: Mask, record: _AnyRecord, spacing: Spacing) -> Mask:
    if isinstance(record, NaturalVolumeRecord):
        return apply_natural_volume(mask, record, spacing)
    return apply_natural(mask, record)


NATURAL = PerturbationMode(
    name="natural",
    title="wavy boundaries",
    description="the outline wanders smoothly in and out, as a hurried hand draws it",
    sample=_sample,
    apply=_apply,
    takes=("volumetric",),
    strength=Strength(
        choose_unit=lambda is_volumetric: "mm" if is_volumetric else "px",
        calibrate=calibrate_natural,
        trace_draw=trace_draw,
    ),
    moves_boundary=True,
)
