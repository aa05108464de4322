from dataclasses import replace

import numpy as np
import pytest

from overread.errors import InputError
from overread.study.demo.demo import calibrate_margin, compute_dice
from overread.study.demo.fields import HEAD_GRID
from overread.study.demo.lesions import Lesion, merge_distances
from overread.study.demo.raters import RATERS, apply_reading, compute_chance, draw_mask, sample_reading

LESION = Lesion(centre_mm=(20.0, 0.0, 10.0), radii_mm=(7.0, 7.0, 7.0), direction=(1.0, 0.0, 0.0), contrast=0.78)
EVEN = np.zeros(HEAD_GRID.shape, np.float32)
EVERYWHERE = np.ones(HEAD_GRID.shape, bool)


def test_the_chance_of_being_seen_rises_with_contrast_and_with_size() -> None:
    rater1 = RATERS[0]
    base = replace(LESION, radii_mm=(2.3, 2.3, 2.3))
    larger, brighter = replace(base, radii_mm=(2.6, 2.6, 2.6)), replace(base, contrast=0.9)
    assert compute_chance(rater1, base) < compute_chance(rater1, larger) < 1
    assert compute_chance(rater1, base) < compute_chance(rater1, brighter) < 1


def test_rater1_overlooks_a_small_lesion_that_rater2_sees() -> None:
    small = replace(LESION, radii_mm=(1.8, 1.8, 1.8))
    assert compute_chance(RATERS[0], small) < 0.05
    assert compute_chance(RATERS[1], small) > 0.9


def test_rater2_takes_lookalikes_for_lesions_more_often() -> None:
    spot = replace(LESION, genuine=False)
    assert compute_chance(RATERS[0], spot) < compute_chance(RATERS[1], spot)


def test_a_reading_is_replayed_bit_for_bit() -> None:
    reading = sample_reading(RATERS[0], [LESION], np.random.default_rng(5))
    assert reading == sample_reading(RATERS[0], [LESION], np.random.default_rng(5))
    first, second = (apply_reading(RATERS[0], reading, [LESION], EVEN) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_contrary_readings_move_contours_against_the_habit() -> None:
    for habits, sign in zip(RATERS, (1, -1), strict=True):
        tired = replace(habits, contrary_share=1.0, mood_mm=0.0, lesion_mm=0.0, lapse_share=0.0)
        (growth,) = sample_reading(tired, [LESION], np.random.default_rng(0)).growth_mm
        assert growth == pytest.approx(sign * 1.3)


def test_dice_of_masks_that_share_two_of_five_voxels() -> None:
    first, second = np.array([1, 1, 1, 0, 0], bool), np.array([0, 1, 1, 0, 0], bool)
    assert compute_dice(first, second) == pytest.approx(4 / 5)
    assert compute_dice(~first & first, second & ~second) == 1.0


def test_the_margin_of_two_concentric_balls_is_found() -> None:
    """Balls of radius 7 - m and 7 + m have Dice 2 (7-m)³ / ((7-m)³ + (7+m)³): m = 1 gives 0.594."""
    distance = merge_distances([LESION], EVEN, [0.0])
    margin = calibrate_margin([(distance, distance)], [EVERYWHERE], 2 * 6**3 / (6**3 + 8**3))
    assert margin == pytest.approx(1.0, abs=0.12)


def test_an_agreement_out_of_reach_is_refused() -> None:
    first = merge_distances([LESION], EVEN, [0.0])
    elsewhere = merge_distances([replace(LESION, centre_mm=(-20.0, 0.0, 10.0))], EVEN, [0.0])
    with pytest.raises(InputError, match="agreement_dice must be within the raters' reach"):
        calibrate_margin([(first, elsewhere)], [EVERYWHERE], 0.8)


def test_masks_stay_within_tissue() -> None:
    distance = merge_distances([LESION], EVEN, [0.0])
    tissue = np.zeros(HEAD_GRID.shape, bool)
    tissue[:50] = True
    assert not (draw_mask(distance, tissue, 1.0) & ~tissue).any()
