"""Two synthetic raters and what they do with each lesion."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.study.demo.fields import HEAD_GRID, Field, sample_smooth_noise
from overread.study.demo.lesions import Lesion, merge_distances
from overread.types import Mask


@dataclass(frozen=True)
class Habits:
    """How a rater outlines lesions.

    Attributes:
        name: name of the source.
        description: its description in `study.yaml`.
        margin: -1 draws tighter and +1 more generously by the calibrated margin.
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
    contrary_share: float = 0.08
    contrary_mm: float = 1.3
    mood_mm: float = 0.15
    lesion_mm: float = 0.12
    tremor_mm: float = 0.25


RATERS = (
    Habits("rater1", "overlooks small and faint lesions, draws tightly", -1.0, 1.8, 0.015, 0.05),
    Habits("rater2", "sees small and faint lesions, draws generously", 1.0, 1.0, 0.015, 0.15),
)
_CONSPICUITY_SOFTNESS = 0.12
_TREMOR_CORRELATION = 2.6


@dataclass(frozen=True)
class Reading:
    """One rater's random choices for one case, before the margin is known.

    Attributes:
        growth_mm: per lesion, how far its contour lies outside the lesion's border; None where it is overlooked.
        tremor_seed: seed of the smooth displacement along borders.
    """

    growth_mm: tuple[float | None, ...]
    tremor_seed: int


def sample_reading(habits: Habits, lesions: Sequence[Lesion], generator: np.random.Generator) -> Reading:
    """Draw what a rater does with each lesion of a case.

    Raters follow a level of brightness, so a bright lesion is drawn larger and a faint one smaller than it is.
    """
    mood = float(generator.normal(0, habits.mood_mm))
    if generator.uniform() < habits.contrary_share:
        mood -= habits.contrary_mm * habits.margin
    growth: list[float | None] = []
    for lesion in lesions:
        own = lesion.visible_growth_mm + mood + float(generator.normal(0, habits.lesion_mm))
        growth.append(own if generator.uniform() < compute_chance(habits, lesion) else None)
    return Reading(tuple(growth), int(generator.integers(2**31)))


def compute_chance(habits: Habits, lesion: Lesion) -> float:
    """Probability that a rater outlines a lesion: it rises with contrast and size."""
    if not lesion.genuine:
        return habits.lookalike_share
    excess = (lesion.conspicuity - habits.overlooked_conspicuity) / _CONSPICUITY_SOFTNESS
    return (1 - habits.lapse_share) / (1 + float(np.exp(-np.clip(excess, -50, 50))))


def apply_reading(habits: Habits, reading: Reading, lesions: Sequence[Lesion], raggedness: Field) -> Field:
    """Signed distance in mm, on `HEAD_GRID`, to the contours that a rater would draw with margin 0."""
    generator = np.random.default_rng(reading.tremor_seed)
    tremor = sample_smooth_noise(HEAD_GRID.shape, _TREMOR_CORRELATION, generator)
    return merge_distances(lesions, raggedness, reading.growth_mm) + habits.tremor_mm * tremor


def draw_mask(distance: Field, tissue: Mask, margin_mm: float) -> Mask:
    """The mask of all tissue within `margin_mm` of the contours, (X, Y, Z)."""
    return (distance + margin_mm > 0) & tissue
