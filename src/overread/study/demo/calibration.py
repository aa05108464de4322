"""Calibrating the raters' habits to a wanted agreement."""

from collections.abc import Sequence

import numpy as np

from overread.study.demo.raters import RATERS, draw_mask
from overread.study.demo.shapes import Field
from overread.types import Mask

_WIDEST_MM = 3.0
_HALVINGS = 12


def compute_dice(first: Mask, second: Mask) -> float:
    """Dice coefficient of two masks, 1.0 where both are empty."""
    total = np.count_nonzero(first) + np.count_nonzero(second)
    return 2 * np.count_nonzero(first & second) / total if total else 1.0


def calibrate_margin(distances: Sequence[tuple[Field, Field]], tissues: Sequence[Mask], target_dice: float) -> float:
    """Margin in mm at which the mean Dice between both raters is nearest to `target_dice`, by bisection.

    Args:
        distances: per case, signed distances in mm (X, Y, Z) to the contours of both `RATERS` drawn with margin 0.
        tissues: per case, (X, Y, Z), where a mask may lie.
        target_dice: the wanted mean over cases. Raters who overlook other lesions or waver cannot agree better than
            they do at margin 0, so a very high target ends there.
    """
    low, high = 0.0, _WIDEST_MM
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        dice = [_compute_agreement(pair, tissue, middle) for pair, tissue in zip(distances, tissues, strict=True)]
        low, high = (middle, high) if np.mean(dice) > target_dice else (low, middle)
    return (low + high) / 2


def _compute_agreement(distances: tuple[Field, Field], tissue: Mask, margin_mm: float) -> float:
    first, second = (
        draw_mask(distance, tissue, habits.margin * margin_mm)
        for habits, distance in zip(RATERS, distances, strict=True)
    )
    return compute_dice(first, second)
