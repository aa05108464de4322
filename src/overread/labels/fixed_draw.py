"""One draw of a variant: the Dice that it leaves of each case, and the strength at which their mean is as wanted."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from overread.errors import SettingsError
from overread.evaluation.overlap import compute_dice
from overread.labels.expected_dice import MeasureDice
from overread.labels.perturb.mode import Strength
from overread.labels.perturb.register import MODES
from overread.labels.perturb.search import TOLERANCE, check_any, refuse_target, search_strength
from overread.labels.perturbation import apply_perturbation, describe_variant, restore_perturbation
from overread.labels.seeds import draw_seed, seed_generator
from overread.labels.settings import VariantSettings
from overread.types import Mask, Spacing

_LARGEST_MISS = 0.01
_GROWTH, _MOST_GROWTH = 1.25, 4.0


@dataclass(frozen=True)
class FixedDraw:
    """What one draw leaves.

    Attributes:
        strength: of the perturbation; None for polygons.
        dice: Dice of each case with its clean mask; 1 where both are empty.
        filled: the cases whose clean mask has foreground, over which the mean is taken.
    """

    strength: float | None
    dice: dict[str, float]
    filled: tuple[str, ...]

    @property
    def mean_dice(self) -> float:
        """Mean Dice of the cases with foreground."""
        return float(np.mean([self.dice[case_id] for case_id in self.filled]))

    @property
    def dice_range(self) -> tuple[float, float]:
        """Smallest and largest Dice of a case with foreground."""
        values = [self.dice[case_id] for case_id in self.filled]
        return min(values), max(values)


def seed_case(variant: VariantSettings, case_id: str) -> int:
    """Seed of a case's record: it depends on the variant's seed, its mode and the case, not on Dice or vertices."""
    return draw_seed(seed_generator(variant.seed, variant.mode, case_id))


def settle_strength(
    cases: Iterable[tuple[str, Mask, Spacing]], variant: VariantSettings, strength: float, *, source: str
) -> FixedDraw:
    """Draw once at the calibrated strength, and search the strength for this very draw if it misses the wanted Dice.

    A draw of few cases can be off by more than 0.005; then other strengths are tried with the same random numbers.

    Args:
        cases: case id, mask and spacing; read once for each strength that is tried.
        variant: kind of error, wanted Dice and seed.
        strength: whose expected Dice is the wanted one.
        source: name of the cases' source, for errors.

    Raises:
        SettingsError: no strength brings the mean Dice of this draw within 0.01 of the wanted one.
    """
    drawn, target = measure_draw(cases, variant, strength), variant.require_dice()
    if abs(drawn.mean_dice - target) <= TOLERANCE:
        return drawn
    limit = _find_limit(cases, variant, strength)
    measure = _prepare_measure(cases, variant, limit)
    search = search_strength(measure, target, start=strength, factor=_GROWTH, limit=limit)
    drawn = measure_draw(cases, variant, search.nearest.strength)
    if abs(drawn.mean_dice - target) > _LARGEST_MISS:
        raise refuse_target(target, search.describe_nearest(), describe_variant(variant, source))
    return drawn


def measure_reduced(cases: Iterable[tuple[str, Mask, Spacing]], variant: VariantSettings, *, source: str) -> FixedDraw:
    """Draw errors without a strength once for each case, and compare.

    Args:
        cases: case id, mask and spacing.
        variant: vertices and seed.
        source: name of the cases' source, for errors.

    Raises:
        InputError: no mask has foreground.
    """
    drawn = measure_draw(cases, variant, None)
    check_any(len(drawn.filled), describe_variant(variant, source))
    return drawn


def measure_draw(
    cases: Iterable[tuple[str, Mask, Spacing]], variant: VariantSettings, strength: float | None
) -> FixedDraw:
    """Perturb each case at a strength, which is None for polygons, and compare."""
    perturbation = variant.to_perturbation(strength)
    dice, filled = {}, []
    for case_id, mask, spacing in cases:
        record = restore_perturbation(perturbation, seed_case(variant, case_id))
        dice[case_id] = compute_dice(mask, apply_perturbation(mask, record, spacing))
        if mask.any():
            filled.append(case_id)
    return FixedDraw(strength, dice, tuple(filled))


def _prepare_measure(cases: Iterable[tuple[str, Mask, Spacing]], variant: VariantSettings, limit: float) -> MeasureDice:
    trace = _find_strength(variant).trace_draw
    traced = trace(cases, variant, limit, lambda case_id: seed_case(variant, case_id)) if trace else None
    return traced or (lambda strength: measure_draw(cases, variant, strength).mean_dice)


def _find_limit(cases: Iterable[tuple[str, Mask, Spacing]], variant: VariantSettings, strength: float) -> float:
    find_room = _find_strength(variant).find_room
    return find_room(cases, variant) if find_room else _MOST_GROWTH * strength


def _find_strength(variant: VariantSettings) -> Strength:
    strength = MODES[variant.mode].strength
    if strength is None:
        raise SettingsError("label errors must have a strength to be used here", found=f"mode {variant.mode}")
    return strength
