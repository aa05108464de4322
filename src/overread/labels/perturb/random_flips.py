"""Random label errors: single voxels change sides (Heller et al. 2018, section 3.1)."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from overread.errors import InputError
from overread.labels.perturb.mode import Calibration, Cases, PerturbationMode, Strength
from overread.labels.perturb.search import check_any, count_slices, refuse_target, select_filled
from overread.labels.seeds import draw_seed
from overread.labels.slices import stack_slices, unstack_slices
from overread.settings import Settings
from overread.types import Mask

if TYPE_CHECKING:
    from overread.labels.settings import PerturbationSettings, VariantSettings

_LARGEST_SHARE = np.nextafter(1.0, 0.0)
_NO_ROOM = 1e-100
"""Stands for no voxel at all where a share is computed, so that it becomes larger than any share that is allowed."""
_SPARE_ARRIVALS = 4.0
"""Standard deviations by which more arrivals are drawn at first than are expected."""


class RandomFlipsRecord(Settings):
    """What decides which voxels change sides.

    Attributes:
        strength: share of the foreground that changes sides, in expectation.
        volumetric: as many background voxels change sides in the whole mask, instead of in each slice.
        seed: of the positions.
    """

    mode: Literal["random"] = "random"
    strength: float = Field(ge=0, le=1)
    volumetric: bool = False
    seed: int


def sample_random_flips(settings: "PerturbationSettings", generator: np.random.Generator) -> RandomFlipsRecord:
    """Draw the seed of one mask's errors."""
    return RandomFlipsRecord(
        strength=settings.require_strength(), volumetric=settings.volumetric, seed=draw_seed(generator)
    )


def apply_random_flips(mask: Mask, record: RandomFlipsRecord) -> Mask:
    """Flip each foreground voxel with probability p and each background voxel of a slice with p·|F|/|B|.

    Foreground and background then lose as many voxels as each other in expectation, and the Dice with the given mask
    is 1 - p. A slice without foreground stays empty. Positions are those of a Poisson process, so that few random
    numbers are drawn, and a larger p with the same seed flips at least as many voxels of the foreground.

    Args:
        mask: (Y, X) or (X, Y, Z) bool; slices lie along the last axis.
        record: what `sample_random_flips` drew.

    Raises:
        InputError: the background of a slice is smaller than what must be flipped in it.
    """
    slices = stack_slices(mask)
    if record.strength == 0:
        return unstack_slices(slices, mask.ndim)
    regions = slices.reshape(1 if record.volumetric else len(slices), -1)
    foreground = np.flatnonzero(regions)
    borders = np.searchsorted(foreground, np.arange(len(regions) + 1) * regions.shape[1])
    shares = _compute_background_shares(borders[1:] - borders[:-1], regions.shape[1], record)
    first, second = (np.random.default_rng([record.seed, side]) for side in range(2))
    leaving = foreground[_draw_positions(np.array([record.strength]), foreground.size, first)]
    entering = _draw_positions(shares, regions.shape[1], second)
    voxels = slices.reshape(-1)
    # Candidates lie anywhere; on foreground they do nothing, so that the background need not be listed.
    voxels[entering] = True
    voxels[leaving] = False
    return unstack_slices(slices, mask.ndim)


def compute_largest_share(mask: Mask, *, volumetric: bool) -> float:
    """Largest share of the foreground for which each slice has as many background voxels to flip, in [0, 1].

    Args:
        mask: (Y, X) or (X, Y, Z) bool.
        volumetric: count voxels of the whole mask instead of each slice.
    """
    size = mask.size if volumetric or mask.ndim == 2 else mask[..., 0].size
    counts = np.atleast_1d(np.count_nonzero(mask, axis=None if volumetric or mask.ndim == 2 else (0, 1)))
    counts = counts[counts > 0]
    return float(min(1.0, ((size - counts) / counts).min(initial=1.0)))


def calibrate_random(cases: Cases, variant: "VariantSettings", where: str) -> Calibration:
    """The share is 1 - Dice, if each slice has room for it.

    Raises:
        InputError: no mask has foreground.
        SettingsError: the background is too small for so many flips.
    """
    largest, slice_count = 1.0, 0
    for _, mask, _ in select_filled(cases):
        largest = min(largest, compute_largest_share(mask, volumetric=variant.volumetric))
        slice_count += count_slices(mask)
    check_any(slice_count, where)
    target = variant.require_dice()
    strength = round(1 - target, 12)
    if strength > largest:
        part = "mask" if variant.volumetric else "slice"
        reachable = f"reachable: [{1 - largest:.3f}, 1.000], for each {part} must have background to flip"
        raise refuse_target(target, reachable, where)
    return Calibration(strength, target, slice_count)


def find_room(cases: Cases, variant: "VariantSettings") -> float:
    """Largest share for which every mask has as many background voxels to flip."""
    return min(compute_largest_share(mask, volumetric=variant.volumetric) for _, mask, _ in cases)


def _compute_background_shares(counts: NDArray[np.int64], size: int, record: RandomFlipsRecord) -> NDArray[np.float64]:
    room = size - counts
    shares = record.strength * counts / np.maximum(room, _NO_ROOM)
    if (shares > 1).any():
        worst = int(shares.argmax())
        raise InputError(
            "random errors flip as many background as foreground voxels, so the background must have room for them",
            found=f"{room[worst]} background and {counts[worst]} foreground voxels at strength {record.strength:g}",
            where="whole mask" if record.volumetric else f"slice {worst}",
            hint="choose a smaller strength, or volumetric",
        )
    return shares


def _draw_positions(shares: NDArray[np.float64], size: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """Positions in consecutive regions of `size` voxels, each voxel with its region's share as probability.

    An arrival of a Poisson process of rate 1 falls into the voxel whose stretch of the time axis it hits; the stretches
    are -ln(1 - share) long, so that a voxel is hit at all with the wanted probability.
    """
    stretches = -np.log1p(-np.minimum(shares, _LARGEST_SHARE))
    ends = (stretches * size).cumsum()
    if not size or ends[-1] == 0:
        return np.empty(0, np.int64)
    arrivals = _draw_arrivals(float(ends[-1]), generator)
    region = np.searchsorted(ends, arrivals, side="right") if len(ends) > 1 else 0
    offsets = ((arrivals - (ends - stretches * size)[region]) / stretches[region]).astype(np.int64)
    positions: NDArray[np.int64] = np.minimum(offsets, size - 1) + np.int64(size) * region
    return positions


def _draw_arrivals(end: float, generator: np.random.Generator) -> NDArray[np.float64]:
    count = int(end + _SPARE_ARRIVALS * end**0.5) + 8
    times = generator.standard_exponential(count).cumsum()
    while times[-1] < end:
        times = np.append(times, times[-1] + generator.standard_exponential(count).cumsum())
    return times[: int(times.searchsorted(end))]


RANDOM = PerturbationMode(
    name="random",
    title="single voxels",
    description="single {voxels} have the wrong label, as many inside as outside",
    sample=sample_random_flips,
    apply=lambda mask, record, _: apply_random_flips(mask, record),
    takes=("volumetric",),
    strength=Strength(choose_unit=lambda _: "share", calibrate=calibrate_random, largest=1.0, find_room=find_room),
)
