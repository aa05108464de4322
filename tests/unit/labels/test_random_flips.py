"""Random errors: as many background as foreground voxels change sides."""

import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.overlap import compute_dice
from overread.labels.perturb.random_flips import RandomFlipsRecord, apply_random_flips, compute_largest_share
from overread.types import Mask


def flip(mask: Mask, strength: float, seed: int, *, volumetric: bool = False) -> Mask:
    return apply_random_flips(mask, RandomFlipsRecord(strength=strength, volumetric=volumetric, seed=seed))


def make_volume() -> Mask:
    """Slices of 400 voxels with 100, 40 and no voxels of foreground."""
    volume = np.zeros((20, 20, 3), np.bool_)
    volume[:10, :10, 0] = True
    volume[:4, :10, 1] = True
    return volume


def test_the_dice_is_one_minus_the_share() -> None:
    mask = np.zeros((100, 100), np.bool_)
    mask[:40, :50] = True
    for share in (0.05, 0.3):
        dice = [compute_dice(mask, flip(mask, share, seed)) for seed in range(40)]
        assert np.mean(dice) == pytest.approx(1 - share, abs=0.004)


def test_each_slice_loses_and_gains_the_same_number_in_expectation() -> None:
    volume = make_volume()
    found = np.array([flip(volume, 0.2, seed) for seed in range(300)])
    lost = (volume & ~found).sum(axis=(1, 2)).mean(axis=0)
    won = (~volume & found).sum(axis=(1, 2)).mean(axis=0)
    assert lost[:2] == pytest.approx([20, 8], rel=0.05)
    assert won[:2] == pytest.approx([20, 8], rel=0.05)
    assert lost[2] == won[2] == 0


def test_what_is_lost_and_what_is_won_are_drawn_independently() -> None:
    """The correlation of 300 independent pairs has a standard deviation of 0.06."""
    mask = make_volume()[..., 0]
    found = np.array([flip(mask, 0.2, seed) for seed in range(300)])
    lost, won = ((side & change).sum(axis=(1, 2)) for side, change in ((mask, ~found), (~mask, found)))
    assert abs(np.corrcoef(lost, won)[0, 1]) < 0.2


def test_volumetric_errors_fall_into_empty_slices_too() -> None:
    """28 of 140 foreground voxels; the background of 1060 voxels has 400 in the empty slice, which get 28·400/1060."""
    volume = make_volume()
    found = np.array([flip(volume, 0.2, seed, volumetric=True) for seed in range(300)])
    won = (~volume & found).sum(axis=(1, 2)).mean(axis=0)
    assert won == pytest.approx([28 * 300 / 1060, 28 * 360 / 1060, 28 * 400 / 1060], rel=0.07)


def test_every_voxel_is_as_likely_as_any_other() -> None:
    """A voxel of 0.2 is hit 80 times in 400 draws, give or take 8; the largest of 200 lies within 4.5 of these."""
    mask = np.zeros((20, 20), np.bool_)
    mask[:10] = True
    hits = sum((flip(mask, 0.2, seed) ^ mask).astype(int) for seed in range(400))
    assert abs(hits - 80).max() < 36
    assert hits.std() == pytest.approx(8, rel=0.15)


def test_more_voxels_of_the_foreground_are_lost_at_a_larger_strength_of_one_seed() -> None:
    mask = np.zeros((100, 100), np.bool_)
    mask[:30] = True
    lost = [np.count_nonzero(mask & ~flip(mask, share, 3)) for share in np.linspace(0.02, 0.4, 20)]
    assert lost == sorted(lost)
    assert lost[-1] > lost[0]


def test_a_share_of_one_turns_half_a_slice_inside_out() -> None:
    mask = np.zeros((6, 10), np.bool_)
    mask[:3] = True
    assert np.array_equal(flip(mask, 1.0, 0), ~mask)


@pytest.mark.parametrize(("filled_rows", "largest"), [(2, 1.0), (5, 1.0), (8, 0.25), (10, 0.0)])
def test_the_background_must_have_room(filled_rows: int, largest: float) -> None:
    mask = np.zeros((10, 4), np.bool_)
    mask[:filled_rows] = True
    assert compute_largest_share(mask, volumetric=False) == largest
    flip(mask, largest, 0)
    if largest < 1:
        with pytest.raises(InputError, match=r"must have room for them, got \d+ background and \d+ foreground voxels"):
            flip(mask, largest + 0.01, 0)


def test_the_slice_without_room_is_named() -> None:
    volume = make_volume()
    volume[..., 1] = True
    assert compute_largest_share(volume, volumetric=False) == 0
    assert compute_largest_share(volume, volumetric=True) == 1
    with pytest.raises(InputError, match="slice 1"):
        flip(volume, 0.1, 0)
    assert not np.array_equal(flip(volume, 0.1, 0, volumetric=True), volume)
