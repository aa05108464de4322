"""From whatever values a mask file holds to inside and outside."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.types import Mask

_LISTED_VALUES = 10
_DECIMALS = 3
"""Scaled NIfTI files hold 0.9999999 in the place of 1."""


def binarise_mask(voxels: NDArray[Any], label_values: tuple[int, ...]) -> tuple[Mask, float | None]:
    """Turn label values into a mask.

    Args:
        voxels: (*S) label values.
        label_values: values that make up the structure. When empty, the mask may hold 0 and one other value.

    Returns:
        The mask (*S), and its one foreground value: None where the mask is empty or `label_values` was given.

    Raises:
        InputError: the mask holds more than 0 and one other value, and `label_values` chooses none.
    """
    if voxels.dtype.kind == "f":
        voxels = np.round(voxels, _DECIMALS)
    if label_values:
        return np.isin(voxels, label_values), None
    mask = voxels != 0
    count = int(np.count_nonzero(mask))
    if count == 0:
        return mask, None
    value = voxels.flat[int(np.argmax(mask))]
    if np.count_nonzero(voxels == value) == count:
        return mask, float(value)
    raise InputError(
        "a mask must hold 0 and one other value",
        found=_list_values(voxels),
        hint="choose the structure with label_values; a map of probabilities must be thresholded first",
    )


def _list_values(voxels: NDArray[Any]) -> str:
    values = np.unique(voxels)
    listed = ", ".join(f"{value:g}" for value in values[:_LISTED_VALUES].tolist())
    return listed if len(values) <= _LISTED_VALUES else f"{listed}, … ({len(values)} values)"
