"""Calibrating the raters' habits to a wanted agreement."""

from collections.abc import Sequence

import numpy as np

from overread.errors import InputError
from overread.study.demo.raters import RATERS, draw_mask
from overread.study.demo.shapes import Field
from overread.types import Mask

_WIDEST_MM = 3.0
_HALVINGS = 12
_TOLERANCE = 0.02


def compute_dice(first: Mask, second: Mask) -> float:
    """Dice coefficient of two masks, 1.0 where both are empty."""
    total = np.count_nonzero(first) + np.count_nonzero(second)
    return 2 * np.count_nonzero(first & second) / total if total else 1.0


def calibrate_margin(distances: Sequence[tuple[Field, Field]], tissues: Sequence[Mask], target_dice: float) -> float:
    """Margin in mm at which the mean Dice between both raters is nearest to `target_dice`, by bisection.

    Args:
        distances: per case, signed distances in mm (X, Y, Z) to the contours of both `RATERS` drawn with margin 0.
        tissues: per case, (X, Y, Z), where a mask may lie.
        target_dice: the wanted mean over cases.

    Raises:
        InputError: no margin gives that Dice: raters who waver and overlook other lesions agree at most so well.
    """

    def compute_agreement(margin_mm: float) -> float:
        pairs = zip(distances, tissues, strict=True)
        return float(np.mean([compute_dice(*_draw_both(pair, tissue, margin_mm)) for pair, tissue in pairs]))

    low, high = 0.0, _WIDEST_MM
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if compute_agreement(middle) > target_dice else (low, middle)
    reached = compute_agreement(high)
    if abs(reached - target_dice) > _TOLERANCE:
        raise InputError(
            "agreement_dice must be within the raters' reach", found=target_dice, hint=f"try {reached:.2f}"
        )
    return high


def _draw_both(distances: tuple[Field, Field], tissue: Mask, margin_mm: float) -> tuple[Mask, Mask]:
    first, second = (
        draw_mask(distance, tissue, habits.margin * margin_mm)
        for habits, distance in zip(RATERS, distances, strict=True)
    )
    return first, second
