"""Dice of natural errors in three dimensions, at all strengths from one look at each mask."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.labels.expected_dice import MeasureDice
from overread.labels.perturb.natural_volume import Surroundings, draw_offsets, survey_surroundings
from overread.types import Mask, Spacing

_STEPS = 4096


def prepare_volume_dice(
    cases: Iterable[tuple[str, Mask, Spacing]],
    *,
    seeds: Callable[[str], Sequence[int]],
    reach: float,
    control_points: int,
) -> MeasureDice:
    """Mean Dice of the cases with foreground as a function of the strength, up to `reach`.

    Args:
        cases: case id, mask and spacing; one of them is held at a time.
        seeds: of the records of a case, whose Dice are averaged.
        reach: largest strength that will be asked for, in the unit of the spacing.
        control_points: waves around the structure.
    """
    strengths = np.linspace(0, reach, _STEPS + 1)
    curves = []
    for case_id, mask, spacing in cases:
        if mask.all():
            curves.append(np.ones_like(strengths))
        elif mask.any():
            near = survey_surroundings(mask, spacing, reach=reach, control_points=control_points)
            drawn = [_trace_dice(near, draw_offsets(near, seed), strengths) for seed in seeds(case_id)]
            curves.append(np.mean(drawn, axis=0))
    curve = np.mean(curves, axis=0)
    return lambda strength: float(np.interp(strength, strengths, curve))


def _trace_dice(
    near: Surroundings, offsets: NDArray[np.float32], strengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Dice at each strength, from the strength at which each voxel changes sides: |distance| / |offset|."""
    changes = (near.distances > 0) != (offsets > 0)
    size = np.count_nonzero(near.inside)
    lost = _count_up_to(near, offsets, changes & near.inside, strengths)
    won = _count_up_to(near, offsets, changes & ~near.inside, strengths)
    return 2 * (size - lost) / (2 * size - lost + won)


def _count_up_to(
    near: Surroundings, offsets: NDArray[np.float32], which: Mask, strengths: NDArray[np.float64]
) -> NDArray[np.int64]:
    thresholds = np.abs(near.distances[which]) / np.maximum(np.abs(offsets[which]), np.finfo(np.float32).tiny)
    counts, _ = np.histogram(thresholds, strengths)
    return np.concatenate([[0], np.cumsum(counts)])
