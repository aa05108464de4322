"""Two synthetic raters with habits, and their calibration to a wanted agreement."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.study.demo.anatomy import HEAD_GRID
from overread.study.demo.lesions import OUTSIDE_MM, Lesion, compute_distances
from overread.study.demo.noise import sample_smooth_noise
from overread.study.demo.shapes import Field
from overread.types import Mask


@dataclass(frozen=True)
class Habits:
    """How a rater outlines lesions.

    Attributes:
        name: name of the source.
        description: its description in `study.yaml`.
        margin: where the contour lies: -1 draws tighter and +1 more generously by the calibrated width.
        overlooked_conspicuity: contrast times radius in mm below which lesions are overlooked.
        lapse_share: share of visible lesions that are overlooked all the same.
        lookalike_share: share of faint spots that are taken for lesions.
        contrary_share: share of cases that are read against the habit, as after a long day.
        contrary_mm: how far the contours of such a case are moved against the habit.
        mood_mm: std of the contour's displacement from case to case.
        lesion_mm: std of the contour's displacement from lesion to lesion.
        tremor_mm: std of the contour's smooth displacement along a border.
    """

    name: str
    description: str
    margin: float
    overlooked_conspicuity: float
    lapse_share: float
    lookalike_share: float
    contrary_share: float = 0.1
    contrary_mm: float = 1.3
    mood_mm: float = 0.15
    lesion_mm: float = 0.12
    tremor_mm: float = 0.25


RATERS = (
    Habits("rater1", "overlooks small and faint lesions, draws tightly", -1.0, 1.8, 0.015, 0.05),
    Habits("rater2", "sees small and faint lesions, draws generously", 1.0, 1.0, 0.015, 0.15),
)
_CONSPICUITY_SOFTNESS = 0.12


@dataclass(frozen=True)
class Reading:
    """One rater's random choices for one case, before the margin is known.

    Attributes:
        drawn: per lesion, whether it is outlined.
        displacement_mm: per lesion, how far its contour is moved outwards.
        tremor_seed: seed of the smooth displacement along borders.
    """

    drawn: tuple[bool, ...]
    displacement_mm: tuple[float, ...]
    tremor_seed: int


def sample_reading(habits: Habits, lesions: Sequence[Lesion], generator: np.random.Generator) -> Reading:
    """Draw what a rater does with each lesion of a case."""
    mood = generator.normal(0, habits.mood_mm)
    if generator.uniform() < habits.contrary_share:
        mood -= habits.contrary_mm * np.sign(habits.margin)
    displacement = mood + generator.normal(0, habits.lesion_mm, size=len(lesions))
    chance = generator.uniform(size=len(lesions))
    drawn = tuple(bool(c < _compute_chance(habits, lesion)) for c, lesion in zip(chance, lesions, strict=True))
    return Reading(drawn, tuple(displacement.tolist()), int(generator.integers(2**31)))


def _compute_chance(habits: Habits, lesion: Lesion) -> float:
    """Probability that a rater outlines a lesion."""
    if not lesion.genuine:
        return habits.lookalike_share
    excess = (lesion.conspicuity - habits.overlooked_conspicuity) / _CONSPICUITY_SOFTNESS
    return (1 - habits.lapse_share) / (1 + float(np.exp(-np.clip(excess, -50, 50))))


def apply_reading(habits: Habits, reading: Reading, lesions: Sequence[Lesion], raggedness: Field) -> Field:
    """Signed distance in mm, on `HEAD_GRID`, to the contours that a rater would draw with margin 0.

    Raters follow a level of brightness, so a bright lesion is drawn larger and a faint one smaller than it is.
    """
    distance = np.full(HEAD_GRID.shape, OUTSIDE_MM, np.float32)
    for index, (lesion, box, own) in enumerate(compute_distances(lesions, raggedness)):
        if reading.drawn[index]:
            moved = own + np.float32(reading.displacement_mm[index] + lesion.visible_growth_mm)
            np.maximum(distance[box], moved, out=distance[box])
    tremor = sample_smooth_noise(HEAD_GRID.shape, 2.6, np.random.default_rng(reading.tremor_seed))
    return distance + np.float32(habits.tremor_mm) * tremor


def draw_mask(distance: Field, tissue: Mask, margin_mm: float) -> Mask:
    """The mask of all tissue within `margin_mm` of the contours, (X, Y, Z)."""
    return (distance + np.float32(margin_mm) > 0) & tissue


def compute_dice(first: Mask, second: Mask) -> float:
    """Dice coefficient of two masks, 1.0 where both are empty."""
    total = np.count_nonzero(first) + np.count_nonzero(second)
    return 2 * np.count_nonzero(first & second) / total if total else 1.0


def calibrate_margin(distances: Sequence[tuple[Field, Field]], tissues: Sequence[Mask], target_dice: float) -> float:
    """Margin in mm at which the mean Dice between both raters is nearest to `target_dice`, by bisection.

    Args:
        distances: per case, signed distances of the first and of the second of `RATERS`.
        tissues: per case, where a mask may lie.
        target_dice: the wanted mean over cases.
    """
    low, high = 0.0, 3.0
    for _ in range(12):
        middle = (low + high) / 2
        dice = [
            compute_dice(*(draw_mask(d, tissue, h.margin * middle) for h, d in zip(RATERS, pair, strict=True)))
            for pair, tissue in zip(distances, tissues, strict=True)
        ]
        low, high = (middle, high) if np.mean(dice) > target_dice else (low, middle)
    return (low + high) / 2
