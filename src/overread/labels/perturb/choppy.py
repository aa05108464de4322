"""Choppy label errors: both ends of every run of foreground move on their own (Heller et al. 2018, section 3.1)."""

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from overread.errors import InputError
from overread.labels.expected_dice import (
    MOST_DRAWS,
    MeasureDice,
    average_dice,
    find_case_begins,
    repeat_slices,
    seed_slice,
)
from overread.labels.perturb.mode import Calibration, Cases, PerturbationMode, Strength
from overread.labels.perturb.slice_calibration import calibrate_slices
from overread.labels.runs import fill_runs, find_runs, join_runs, measure_union, shift_ends
from overread.labels.seeds import draw_seed
from overread.labels.slice_sample import SampledSlice
from overread.labels.slices import check_mask
from overread.settings import Settings
from overread.types import Mask

if TYPE_CHECKING:
    from overread.labels.settings import PerturbationSettings, VariantSettings

_LEAST_RUNS = 20_000
"""A sample of fewer runs is drawn several times."""


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


def sample_choppy(settings: "PerturbationSettings", generator: np.random.Generator) -> ChoppyRecord:
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


def calibrate_choppy(cases: Cases, variant: "VariantSettings", where: str) -> Calibration:
    """Calibrate on planes in which the runs lie."""
    return calibrate_slices(
        cases,
        variant,
        where,
        lay_planes=lambda mask: _lay_planes(mask, variant.axis),
        prepare=lambda slices: prepare_choppy_dice(slices, seed=variant.seed),
    )


def prepare_choppy_dice(slices: Sequence[SampledSlice], *, seed: int) -> MeasureDice:
    """Mean Dice as a function of the strength of choppy errors, counted on run ends without filling a voxel.

    Args:
        slices: sampled with the axis of the runs last.
        seed: of the normal numbers.
    """
    found = [find_runs(item.unpack()) for item in slices]
    draws = min(ceil(_LEAST_RUNS / sum(map(len, found))), MOST_DRAWS)
    entries = repeat_slices(slices, draws)
    runs = join_runs(found * draws)
    lengths = [len(part) for part in found] * draws
    normals = np.hstack([seed_slice(seed, *e).standard_normal((2, n)) for e, n in zip(entries, lengths, strict=True)])
    begins = np.cumsum([0, *lengths])[find_case_begins(entries)]
    sizes = np.add.reduceat(runs.ends - runs.starts, begins)

    def measure(strength: float) -> float:
        starts, ends = shift_ends(runs, strength * normals)
        perturbed = np.add.reduceat(measure_union(starts, ends), begins)
        starts, ends = np.sort(np.append(starts, runs.starts)), np.sort(np.append(ends, runs.ends))
        union = np.add.reduceat(measure_union(starts, ends), 2 * begins)
        return average_dice(sizes, perturbed, sizes + perturbed - union)

    return measure


def _lay_planes(mask: Mask, axis: int | None) -> Mask:
    """The mask as a stack of planes in which the runs lie, along their last axis."""
    axis = choose_axis(mask.ndim, axis)
    if mask.ndim == 2:
        return np.moveaxis(mask, axis, -1)[np.newaxis]
    return np.moveaxis(mask, (axis, 1 if axis == 2 else 2), (-1, 0))


CHOPPY = PerturbationMode(
    name="choppy",
    title="ragged rows",
    sample=sample_choppy,
    apply=lambda mask, record, _: apply_choppy(mask, record),
    takes=("axis",),
    strength=Strength(choose_unit=lambda _: "px", calibrate=calibrate_choppy),
    moves_boundary=True,
)
