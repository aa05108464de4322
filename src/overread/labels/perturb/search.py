"""The search for the strength that leaves a wanted Dice, and the same on a sample of slices."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from overread.errors import InputError, SettingsError
from overread.labels.expected_dice import MeasureDice
from overread.labels.perturb.mode import Calibration, Cases
from overread.labels.slices import SampledSlice, check_mask, sample_slices
from overread.types import Mask, Spacing

if TYPE_CHECKING:
    from overread.labels.settings import VariantSettings

TOLERANCE = 0.005
"""Of the Dice at both bounds of the bisection (Heller et al. 2018, section 3.1)."""
_MOST_STEPS = 40
_WEAKEST = 1e-6
MOST_SLICES = 1000
"""Slices that the strength is calibrated on (Heller et al. 2018, section 3.1)."""
_FIRST_STRENGTH = 1.0
_GROWTH = 2.0


@dataclass(frozen=True)
class Level:
    """A strength and the Dice that it leaves."""

    strength: float
    dice: float


@dataclass(frozen=True)
class Search:
    """What a search found.

    Attributes:
        target: the Dice that was looked for.
        tried: every strength that was tried, strength 0 included.
        has_converged: both bounds leave a Dice within 0.005 of the target.
    """

    target: float
    tried: tuple[Level, ...]
    has_converged: bool

    @property
    def nearest(self) -> Level:
        """The level whose Dice is nearest to the target."""
        return min(self.tried, key=lambda level: abs(level.dice - self.target))

    def describe_nearest(self) -> str:
        """Say which Dice are reachable next to the target, or at all if it is too low."""
        above = min(level.dice for level in self.tried if level.dice >= self.target)
        if not (below := [level.dice for level in self.tried if level.dice < self.target]):
            return f"reachable: [{above:.3f}, 1.000]"
        return f"the nearest reachable values are {max(below):.3f} and {above:.3f}"


def search_strength(
    measure: Callable[[float], float], target: float, *, start: float, factor: float, limit: float
) -> Search:
    """Bisect until weaker and stronger errors both leave a Dice within 0.005 of the target, then interpolate.

    Args:
        measure: gives the Dice at a strength; falls with the strength, but for noise.
        target: the wanted Dice, below 1.
        start: first strength that is tried.
        factor: by which the strength grows or shrinks until the target lies between two strengths, above 1.
        limit: largest strength that is tried.
    """
    tried = [Level(0.0, 1.0)]

    def try_strength(strength: float) -> Level:
        tried.append(Level(strength, measure(strength)))
        return tried[-1]

    weak, strong = Level(0.0, 1.0), try_strength(min(start, limit))
    while strong.dice >= target and strong.strength < limit:
        weak, strong = strong, try_strength(min(strong.strength * factor, limit))
    while not weak.strength and strong.dice < target and (strength := strong.strength / factor) > _WEAKEST:
        weak, strong = _place(try_strength(strength), weak, strong, target)
    if strong.dice >= target:
        return Search(target, tuple(tried), False)
    for _ in range(_MOST_STEPS):
        if has_converged := max(weak.dice - target, target - strong.dice) <= TOLERANCE:
            break
        weak, strong = _place(try_strength((weak.strength + strong.strength) / 2), weak, strong, target)
    try_strength(_interpolate(weak, strong, target))
    return Search(target, tuple(tried), has_converged)


def refuse_target(target: float, reachable: str, where: str) -> SettingsError:
    """The error of a Dice that no strength leaves."""
    rule = f"the masks must have a strength of errors that leaves a Dice of {target:g}"
    return SettingsError(rule, where=where, hint=reachable)


def _place(level: Level, weak: Level, strong: Level, target: float) -> tuple[Level, Level]:
    return (level, strong) if level.dice >= target else (weak, level)


def _interpolate(weak: Level, strong: Level, target: float) -> float:
    share = (weak.dice - target) / (weak.dice - strong.dice)
    return weak.strength + share * (strong.strength - weak.strength)


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
