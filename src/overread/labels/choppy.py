"""Choppy label errors: both ends of every run of foreground move on their own (Heller et al. 2018, section 3.1)."""

from typing import Literal

import numpy as np
from pydantic import Field

from overread.errors import InputError
from overread.labels.runs import Runs, fill_runs, find_runs, shift_ends
from overread.labels.seeds import draw_seed
from overread.labels.settings import PerturbationSettings
from overread.labels.slices import check_mask
from overread.settings import Settings
from overread.types import Mask


class ChoppyRecord(Settings):
    """What decides how the runs of one mask change.

    Attributes:
        strength: standard deviation of the shift of each end, in voxels.
        axis: axis along which the runs lie; None for the rows, axis 1 of (Y, X) and 0 of (X, Y, Z).
        seed: of the standard normal numbers that the strength scales.
    """

    mode: Literal["choppy"] = "choppy"
    strength: float = Field(ge=0)
    axis: int | None = None
    seed: int


def sample_choppy(settings: PerturbationSettings, generator: np.random.Generator) -> ChoppyRecord:
    """Draw the seed of one mask's errors."""
    return ChoppyRecord(strength=settings.require_strength(), axis=settings.axis, seed=draw_seed(generator))


def apply_choppy(mask: Mask, record: ChoppyRecord) -> Mask:
    """Shift start and end of each run of foreground by independent normal amounts, rounded to voxels.

    A run whose end comes to lie before its start vanishes, runs that meet merge, and no run leaves the image.

    Args:
        mask: (Y, X) or (X, Y, Z) bool.
        record: what `sample_choppy` drew.

    Raises:
        InputError: the mask lacks the axis.
    """
    axis = choose_axis(mask.ndim, record.axis)
    rows = _lay_rows(mask, axis)
    if record.strength == 0:
        return mask.copy()
    runs = find_runs(rows.reshape(-1, rows.shape[-1]))
    normals = np.random.default_rng(record.seed).standard_normal((2, len(runs)))
    filled = fill_runs(*shift_ends(runs, record.strength * normals), runs.size)
    return np.ascontiguousarray(np.moveaxis(filled.reshape(rows.shape), -1, axis))


def find_mask_runs(mask: Mask, axis: int | None) -> Runs:
    """The runs of a whole mask along an axis, which is that of the rows if None.

    Raises:
        InputError: the mask is not bool, or lacks the axis.
    """
    rows = _lay_rows(mask, choose_axis(mask.ndim, axis))
    return find_runs(rows.reshape(-1, rows.shape[-1]))


def choose_axis(ndim: int, axis: int | None) -> int:
    """The axis of the runs, which is that of the rows if none is named.

    Raises:
        InputError: there is no such axis.
    """
    if axis is None:
        return 1 if ndim == 2 else 0
    if axis >= ndim:
        raise InputError(f"axis must be one of the mask's {ndim} axes, counted from 0", found=axis)
    return axis


def _lay_rows(mask: Mask, axis: int) -> Mask:
    check_mask(mask)
    return np.ascontiguousarray(np.moveaxis(mask, axis, -1))
