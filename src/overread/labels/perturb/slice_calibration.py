"""The strength that leaves a wanted Dice of slices in expectation, and what all calibrations share."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from overread.errors import InputError
from overread.labels.expected_dice import MeasureDice
from overread.labels.perturb.mode import Calibration, Cases
from overread.labels.search import refuse_target, search_strength
from overread.labels.slice_sample import SampledSlice, sample_slices
from overread.labels.slices import check_mask
from overread.types import Mask, Spacing

if TYPE_CHECKING:
    from overread.labels.settings import VariantSettings

MOST_SLICES = 1000
"""Slices that the strength is calibrated on (Heller et al. 2018, section 3.1)."""
_FIRST_STRENGTH = 1.0
_GROWTH = 2.0


def calibrate_slices(
    cases: Cases,
    variant: "VariantSettings",
    where: str,
    *,
    lay_planes: Callable[[Mask], Mask],
    prepare: Callable[[Sequence[SampledSlice]], MeasureDice],
) -> Calibration:
    """Calibrate on at most 1000 slices with foreground, drawn from all cases.

    Args:
        cases: read once, one mask at a time.
        variant: wanted Dice, and seed of the draw.
        where: what an error is about.
        lay_planes: the mask as a stack of planes, as the errors see them.
        prepare: gives the mean Dice of such planes as a function of the strength.
    """
    sides: list[int] = []

    def lay_stacks() -> Iterator[tuple[str, Mask]]:
        for case_id, mask, _ in select_filled(cases):
            sides.append(max(mask.shape))
            yield case_id, lay_planes(mask)

    slices = sample_slices(lay_stacks(), most=MOST_SLICES, seed=variant.seed)
    check_any(len(slices), where)
    return search_expected(prepare(slices), variant, limit=float(max(sides)), slice_count=len(slices), where=where)


def search_expected(
    measure: MeasureDice, variant: "VariantSettings", *, limit: float, slice_count: int, where: str
) -> Calibration:
    """Search the strength whose expected Dice is the variant's.

    Args:
        measure: gives the expected Dice at a strength.
        variant: wanted Dice.
        limit: largest strength that is tried.
        slice_count: slices with foreground that `measure` looks at.
        where: what an error is about.

    Raises:
        SettingsError: no strength up to the limit leaves the Dice.
    """
    target = variant.require_dice()
    search = search_strength(measure, target, start=_FIRST_STRENGTH, factor=_GROWTH, limit=limit)
    if not search.has_converged:
        raise refuse_target(target, search.describe_nearest(), where)
    return Calibration(search.nearest.strength, search.nearest.dice, slice_count)


def select_filled(cases: Cases) -> Iterator[tuple[str, Mask, Spacing]]:
    """The cases with foreground.

    Raises:
        InputError: a mask is not bool, or has neither two nor three axes.
    """
    for case_id, mask, spacing in cases:
        check_mask(mask)
        if mask.any():
            yield case_id, mask, spacing


def count_slices(mask: Mask) -> int:
    """Number of slices with foreground along the last of three axes; a mask in two is one slice."""
    return int(np.count_nonzero(mask.any(axis=(0, 1)))) if mask.ndim == 3 else 1


def check_any(count: int, where: str) -> None:
    """Check that something was found that a variant can be made of.

    Raises:
        InputError: no mask has foreground.
    """
    if not count:
        raise InputError("a source must have a mask with foreground to make a variant of it", where=where)
