"""The strength of label errors that leaves a wanted Dice in expectation."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np

from overread.errors import InputError, SettingsError
from overread.labels.choppy import choose_axis
from overread.labels.expected_dice import MeasureDice, prepare_choppy_dice, prepare_natural_dice
from overread.labels.random_flips import compute_largest_share
from overread.labels.search import refuse_target, search_strength
from overread.labels.seeds import draw_seed, seed_generator
from overread.labels.settings import CONTROL_POINTS, VariantSettings
from overread.labels.slice_sample import sample_slices
from overread.labels.slices import check_mask, stack_slices
from overread.labels.volume_dice import prepare_volume_dice
from overread.types import Mask, Spacing

MOST_SLICES = 1000
"""Slices that the strength is calibrated on (Heller et al. 2018, section 3.1)."""
_FIRST_STRENGTH = 1.0
_GROWTH = 2.0
_REACH_GROWTH = 4.0
_LEAST_VOLUMES = 64
"""A study of fewer volumes is drawn several times, so that the mean is near the expectation."""

Cases = Iterable[tuple[str, Mask, Spacing]]
"""Case id, mask (Y, X) or (X, Y, Z), and spacing of each case."""


@dataclass(frozen=True)
class Calibration:
    """The strength of a variant.

    Attributes:
        strength: in the unit that the variant's settings name.
        dice: mean Dice that it leaves in expectation.
        slice_count: slices with foreground that were looked at; all of them where none are drawn.
    """

    strength: float
    dice: float
    slice_count: int


def calibrate_strength(cases: Cases, variant: VariantSettings, *, source: str = "") -> Calibration:
    """Find the strength whose expected mean Dice is the variant's.

    A case's Dice is 2·ΣTP / (Σ|A| + Σ|B|) over its slices that are drawn, and the cases are averaged. In 2D this is the
    mean over slices of Heller et al. 2018; in 3D it is the Dice per case that all tables of Overread show. At most 1000
    slices with foreground are drawn from all cases; a volumetric variant looks at whole cases. Cases without foreground
    are left out. The strength is bisected until both bounds leave a Dice within 0.005 of the target; that of random
    errors is 1 - Dice.

    Args:
        cases: what the variant is made from, read once, one mask at a time; for a volumetric natural variant read
            several times, and held if they come from an iterator.
        variant: kind of error, wanted Dice, and seed of the draw.
        source: name of the cases' source, for errors.

    Raises:
        InputError: no mask has foreground, or a mask does not fit the variant.
        SettingsError: the Dice cannot be reached with these masks, or polygons were asked for, which have no strength.
    """
    where = describe_variant(variant, source)
    if variant.mode == "polygon":
        raise SettingsError(
            "only natural, choppy and random errors have a strength that can be calibrated",
            where=where,
            hint="the Dice of polygons follows from their vertices",
        )
    if variant.mode == "random":
        return _calibrate_random(_select_filled(cases), variant, where)
    if variant.volumetric:
        return _calibrate_volumes(tuple(cases) if isinstance(cases, Iterator) else cases, variant, where)
    return _calibrate_slices(_select_filled(cases), variant, where)


def describe_variant(variant: VariantSettings, source: str) -> str:
    """Say which variant of which source an error is about."""
    return f"variant {variant.name}" + (f" of source {source!r}" if source else "")


def _calibrate_slices(cases: Cases, variant: VariantSettings, where: str) -> Calibration:
    sides: list[int] = []

    def lay_stacks() -> Iterator[tuple[str, Mask]]:
        for case_id, mask, _ in cases:
            sides.append(max(mask.shape))
            yield case_id, _lay_planes(mask, variant)

    slices = sample_slices(lay_stacks(), most=MOST_SLICES, seed=variant.seed)
    check_any(len(slices), where)
    if variant.mode == "choppy":
        measure = prepare_choppy_dice(slices, seed=variant.seed)
    else:
        measure = prepare_natural_dice(slices, control_points=CONTROL_POINTS, seed=variant.seed)
    return _search(measure, variant, limit=float(max(sides)), slice_count=len(slices), where=where)


def _calibrate_volumes(cases: Cases, variant: VariantSettings, where: str) -> Calibration:
    """Trace the Dice up to a voxel of strength, and farther as long as the target is not reached."""
    filled = [(_count_slices(mask), spacing, mask.shape) for _, mask, spacing in _select_filled(cases)]
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
            return _search(measure, variant, limit=reach, slice_count=slice_count, where=where)
        reach = min(reach * _REACH_GROWTH, limit)


def _calibrate_random(cases: Cases, variant: VariantSettings, where: str) -> Calibration:
    largest, slice_count = 1.0, 0
    for _, mask, _ in cases:
        largest = min(largest, compute_largest_share(mask, volumetric=variant.volumetric))
        slice_count += _count_slices(mask)
    check_any(slice_count, where)
    target = variant.require_dice()
    strength = round(1 - target, 12)
    if strength > largest:
        part = "mask" if variant.volumetric else "slice"
        reachable = f"reachable: [{1 - largest:.3f}, 1.000], for each {part} must have background to flip"
        raise refuse_target(target, reachable, where)
    return Calibration(strength, target, slice_count)


def _search(
    measure: MeasureDice, variant: VariantSettings, *, limit: float, slice_count: int, where: str
) -> Calibration:
    target = variant.require_dice()
    search = search_strength(measure, target, start=_FIRST_STRENGTH, factor=_GROWTH, limit=limit)
    if not search.has_converged:
        raise refuse_target(target, search.describe_nearest(), where)
    return Calibration(search.nearest.strength, search.nearest.dice, slice_count)


def _select_filled(cases: Cases) -> Iterator[tuple[str, Mask, Spacing]]:
    for case_id, mask, spacing in cases:
        check_mask(mask)
        if mask.any():
            yield case_id, mask, spacing


def _lay_planes(mask: Mask, variant: VariantSettings) -> Mask:
    """The mask as a stack of planes; of choppy errors, planes in which the runs lie, along their last axis."""
    if variant.mode == "natural":
        return stack_slices(mask)
    axis = choose_axis(mask.ndim, variant.axis)
    if mask.ndim == 2:
        return np.moveaxis(mask, axis, -1)[np.newaxis]
    return np.moveaxis(mask, (axis, 1 if axis == 2 else 2), (-1, 0))


def _count_slices(mask: Mask) -> int:
    return int(np.count_nonzero(mask.any(axis=(0, 1)))) if mask.ndim == 3 else 1


def check_any(count: int, where: str) -> None:
    """Check that something was found that a variant can be made of.

    Raises:
        InputError: no mask has foreground.
    """
    if not count:
        raise InputError("a source must have a mask with foreground to make a variant of it", where=where)
