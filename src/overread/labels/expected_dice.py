"""Dice that perturbed slices have in expectation.

It is estimated with fixed random numbers, so that it is smooth in the strength. A case's Dice is 2·ΣTP / (Σ|A| + Σ|B|)
over its slices in the sample; the cases are averaged. A sample that is too small for one draw to be near the
expectation is drawn several times.
"""

from collections.abc import Callable, Sequence
from math import ceil
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.labels.contours import fill_moved_contours, trace_contours
from overread.labels.runs import find_runs, join_runs, measure_union, shift_ends
from overread.labels.seeds import draw_seed, seed_generator
from overread.labels.slice_sample import SampledSlice
from overread.types import Mask

_LEAST_RUNS = 20_000
_LEAST_SLICES = 250
_MOST_DRAWS = 64

MeasureDice: TypeAlias = Callable[[float], float]
"""Gives the mean Dice at a strength."""
_Counts: TypeAlias = NDArray[np.int64]
_Entry: TypeAlias = tuple[int, SampledSlice]
"""Number of a draw, and a slice in it."""


def prepare_choppy_dice(slices: Sequence[SampledSlice], *, seed: int) -> MeasureDice:
    """Mean Dice as a function of the strength of choppy errors, counted on run ends without filling a voxel.

    Args:
        slices: sampled with the axis of the runs last.
        seed: of the normal numbers.
    """
    found = [find_runs(item.unpack()) for item in slices]
    draws = min(ceil(_LEAST_RUNS / sum(map(len, found))), _MOST_DRAWS)
    entries = _repeat(slices, draws)
    runs = join_runs(found * draws)
    lengths = [len(part) for part in found] * draws
    normals = np.hstack([_seed(seed, *e).standard_normal((2, n)) for e, n in zip(entries, lengths, strict=True)])
    begins = np.cumsum([0, *lengths])[_find_case_begins(entries)]
    sizes = np.add.reduceat(runs.ends - runs.starts, begins)

    def measure(strength: float) -> float:
        starts, ends = shift_ends(runs, strength * normals)
        perturbed = np.add.reduceat(measure_union(starts, ends), begins)
        starts, ends = np.sort(np.append(starts, runs.starts)), np.sort(np.append(ends, runs.ends))
        union = np.add.reduceat(measure_union(starts, ends), 2 * begins)
        return _average_dice(sizes, perturbed, sizes + perturbed - union)

    return measure


def prepare_natural_dice(slices: Sequence[SampledSlice], *, control_points: int, seed: int) -> MeasureDice:
    """Mean Dice as a function of the strength of natural errors.

    Args:
        slices: sampled as `apply_natural` sees them.
        control_points: offsets per contour.
        seed: of the offsets.
    """
    entries = _repeat(slices, min(ceil(_LEAST_SLICES / len(slices)), _MOST_DRAWS))
    seeds = [draw_seed(_seed(seed, *entry)) for entry in entries]
    traced = [trace_contours(item.unpack()) for item in slices] * (len(entries) // len(slices))
    begins = _find_case_begins(entries)

    def measure(strength: float) -> float:
        counts = [
            _count_voxels(
                item.unpack(),
                fill_moved_contours(
                    contours,
                    strength=strength,
                    control_points=control_points,
                    generator=np.random.default_rng(drawn),
                ),
            )
            for (_, item), contours, drawn in zip(entries, traced, seeds, strict=True)
        ]
        return _average_dice(*np.add.reduceat(np.array(counts), begins).T)

    return measure


def _repeat(slices: Sequence[SampledSlice], draws: int) -> list[_Entry]:
    return [(draw, item) for draw in range(draws) for item in slices]


def _seed(seed: int, draw: int, item: SampledSlice) -> np.random.Generator:
    return seed_generator(seed, "calibration", item.case_id, item.index, draw)


def _find_case_begins(entries: Sequence[_Entry]) -> _Counts:
    """Where a new case or a new draw begins."""
    names = [(draw, item.case_id) for draw, item in entries]
    return np.array([index for index, name in enumerate(names) if not index or name != names[index - 1]])


def _count_voxels(mask: Mask, perturbed: Mask) -> tuple[int, int, int]:
    return int(np.count_nonzero(mask)), int(np.count_nonzero(perturbed)), int(np.count_nonzero(mask & perturbed))


def _average_dice(sizes: _Counts, perturbed: _Counts, common: _Counts) -> float:
    return float(np.mean(2 * common / (sizes + perturbed)))
