"""Choppy label errors: both ends of every run of foreground move on their own (Heller et al. 2018, section 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
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
from overread.labels.perturb.search import calibrate_slices
from overread.labels.seeds import draw_seed
from overread.labels.slices import SampledSlice, check_mask
from overread.settings import Settings
from overread.types import Mask

if TYPE_CHECKING:
    from overread.labels.settings import PerturbationSettings, VariantSettings

Positions = NDArray[np.int64]
_LEAST_RUNS = 20_000
"""A sample of fewer runs is drawn several times."""


@dataclass(frozen=True)
class Runs:
    """Half-open stretches of foreground in rows that are laid end to end.

    Attributes:
        starts: (N,) position of the first voxel of each run, rising.
        ends: (N,) position after the last voxel of each run.
        lows: (N,) position of the first voxel of the run's row.
        highs: (N,) position after the last voxel of the run's row.
        size: number of positions.
    """

    starts: Positions
    ends: Positions
    lows: Positions
    highs: Positions
    size: int

    def __len__(self) -> int:
        """Number of runs."""
        return len(self.starts)


def find_runs(rows: Mask) -> Runs:
    """Find the runs of foreground in rows.

    Args:
        rows: (R, L) bool, contiguous.
    """
    voxels, length = rows.reshape(-1), rows.shape[1]
    changes = np.empty(voxels.size + 1, np.bool_)
    np.not_equal(voxels[1:], voxels[:-1], out=changes[1:-1])
    changes[:1], changes[-1:] = voxels[:1], voxels[-1:]
    edges = np.flatnonzero(changes)
    # Where one row ends and the next one begins on foreground nothing changes, but a run ends and another one begins.
    seams = np.arange(length, voxels.size, length)
    seams = seams[voxels[seams] & voxels[seams - 1]]
    if seams.size:
        edges = np.sort(np.concatenate([edges, seams, seams]))
    starts, ends = edges[::2], edges[1::2]
    lows = starts // length * length
    return Runs(starts, ends, lows, lows + length, voxels.size)


def join_runs(parts: Sequence[Runs]) -> Runs:
    """Lay several masks end to end."""
    offsets = np.cumsum([0, *(part.size for part in parts)])[:-1]
    lengths = [len(part) for part in parts]
    moved = np.repeat(offsets, lengths)
    starts, ends, lows, highs = (
        np.concatenate([getattr(part, name) for part in parts]) + moved for name in ("starts", "ends", "lows", "highs")
    )
    return Runs(starts, ends, lows, highs, sum(part.size for part in parts))


def shift_ends(runs: Runs, shifts: NDArray[np.float64]) -> tuple[Positions, Positions]:
    """Starts and ends of the runs after a shift, not beyond their rows, each sorted on its own.

    A run whose end comes to lie before its start has length 0.

    Args:
        runs: N runs.
        shifts: (2, N) voxels by which starts and ends move, rounded here.
    """
    rounded = np.rint(shifts).astype(np.int64)
    starts = np.minimum(np.maximum(runs.starts + rounded[0], runs.lows), runs.highs)
    ends = np.maximum(np.minimum(runs.ends + rounded[1], runs.highs), starts)
    return np.sort(starts), np.sort(ends)


def measure_union(starts: Positions, ends: Positions) -> Positions:
    """How many positions of the union of the runs lie from each start to the next one.

    Up to the next start the union reaches as far as the end of the same rank, for that many runs have begun, and one
    more than have ended before it.

    Args:
        starts: (N,) sorted.
        ends: (N,) sorted on their own; runs may overlap.
    """
    covered = ends - starts
    covered[:-1] = np.minimum(covered[:-1], starts[1:] - starts[:-1])
    return covered


def fill_runs(starts: Positions, ends: Positions, size: int) -> Mask:
    """The union of runs as voxels.

    Args:
        starts: (N,) sorted.
        ends: (N,) sorted on their own; runs may overlap.
        size: number of positions.

    Returns:
        (size,) bool.
    """
    borders = np.empty(2 * len(starts) + 2, np.int64)
    borders[0], borders[-1] = 0, size
    borders[1:-1:2] = starts
    borders[2:-1:2] = starts + measure_union(starts, ends)
    inside = np.arange(len(borders) - 1) % 2 == 1
    return np.repeat(inside, np.diff(borders))


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
    description=(
        "each row of the mask begins and ends a little too early or too late, as outlines look that are seen across "
        "the plane in which they were drawn"
    ),
    sample=sample_choppy,
    apply=lambda mask, record, _: apply_choppy(mask, record),
    takes=("axis",),
    strength=Strength(choose_unit=lambda _: "px", calibrate=calibrate_choppy),
    moves_boundary=True,
)
