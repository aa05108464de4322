"""A mask as a stack of its slices."""

import numpy as np

from overread.errors import InputError
from overread.types import Mask


def stack_slices(mask: Mask) -> Mask:
    """A contiguous copy of a mask, its slices along the first axis.

    Args:
        mask: (Y, X), which is one slice, or (X, Y, Z), with a slice for each Z.

    Returns:
        (1, Y, X) or (Z, X, Y).

    Raises:
        InputError: the mask is not bool, or has neither two nor three axes.
    """
    check_mask(mask)
    return np.array(mask[np.newaxis] if mask.ndim == 2 else np.moveaxis(mask, -1, 0), order="C")


def unstack_slices(slices: Mask, ndim: int) -> Mask:
    """Undo `stack_slices` for a mask of `ndim` axes."""
    return slices[0] if ndim == 2 else np.ascontiguousarray(np.moveaxis(slices, 0, -1))


def check_mask(mask: Mask) -> None:
    """Check that a mask can be perturbed.

    Raises:
        InputError: it is not bool, or has neither two nor three axes.
    """
    if mask.dtype != np.bool_:
        raise InputError("a mask must be of type bool", found=mask.dtype)
    if mask.ndim not in (2, 3):
        raise InputError("a mask must have two or three axes", found=f"shape {mask.shape}")
