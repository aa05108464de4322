"""Overlap of two masks."""

import numpy as np

from overread.evaluation.grid import check_same_grid
from overread.types import Mask


def compute_dice(reference: Mask, prediction: Mask) -> float:
    """Dice coefficient 2|A ∩ B| / (|A| + |B|), in [0, 1] (Dice 1945).

    Two empty masks agree perfectly, 1.0; an empty and a non-empty mask have nothing in common, 0.0.

    Args:
        reference: (*S).
        prediction: (*S), on the same grid.

    Raises:
        InputError: the shapes differ, or a mask is not of type bool.
    """
    check_same_grid([reference, prediction])
    total = np.count_nonzero(reference) + np.count_nonzero(prediction)
    return float(2 * np.count_nonzero(reference & prediction) / total) if total else 1.0
