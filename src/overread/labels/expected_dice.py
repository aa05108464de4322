"""Dice that perturbed slices have in expectation.

It is estimated with fixed random numbers, so that it is smooth in the strength. A case's Dice is 2·ΣTP / (Σ|A| + Σ|B|)
over its slices in the sample; the cases are averaged. A sample that is too small for one draw to be near the
expectation is drawn several times.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.labels.seeds import seed_generator
from overread.labels.slices import SampledSlice
from overread.types import Mask

MOST_DRAWS = 64
"""Times that a sample is drawn which is too small for one draw to be near the expectation."""

MeasureDice: TypeAlias = Callable[[float], float]
"""Gives the mean Dice at a strength."""
_Counts: TypeAlias = NDArray[np.int64]
_Entry: TypeAlias = tuple[int, SampledSlice]
"""Number of a draw, and a slice in it."""


def repeat_slices(slices: Sequence[SampledSlice], draws: int) -> list[_Entry]:
    """Every slice in every draw."""
    return [(draw, item) for draw in range(draws) for item in slices]


def seed_slice(seed: int, draw: int, item: SampledSlice) -> np.random.Generator:
    """The random numbers of a slice in a draw."""
    return seed_generator(seed, "calibration", item.case_id, item.index, draw)


def find_case_begins(entries: Sequence[_Entry]) -> _Counts:
    """Where a new case or a new draw begins."""
    names = [(draw, item.case_id) for draw, item in entries]
    return np.array([index for index, name in enumerate(names) if not index or name != names[index - 1]])


def count_voxels(mask: Mask, perturbed: Mask) -> tuple[int, int, int]:
    """Voxels of a slice, of its perturbed copy, and of both."""
    return int(np.count_nonzero(mask)), int(np.count_nonzero(perturbed)), int(np.count_nonzero(mask & perturbed))


def average_dice(sizes: _Counts, perturbed: _Counts, common: _Counts) -> float:
    """Mean Dice of cases by their voxels, those of their perturbed copies, and those of both."""
    return float(np.mean(2 * common / (sizes + perturbed)))
