"""Runs of foreground along rows, and what can be counted on them without their voxels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.types import Mask

Positions = NDArray[np.int64]


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
