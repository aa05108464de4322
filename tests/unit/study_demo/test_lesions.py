from dataclasses import replace

import numpy as np
import pytest

from overread.study.demo.anatomy import Anatomy
from overread.study.demo.cohort import spawn_generator
from overread.study.demo.fields import HEAD_GRID
from overread.study.demo.lesions import Lesion, merge_distances, render_brightness, sample_lesions, sample_lookalikes

BALL = Lesion(centre_mm=(0.0, 0.0, 0.0), radii_mm=(6.0, 6.0, 6.0), direction=(0.0, 0.6, 0.8), contrast=0.78)
EVEN = np.zeros(HEAD_GRID.shape, np.float32)


def test_volume_and_conspicuity_follow_from_the_radii() -> None:
    lesion = replace(BALL, radii_mm=(8.0, 4.0, 2.0), contrast=0.5)
    assert lesion.volume_ml == pytest.approx(4 / 3 * np.pi * 64 / 1000)
    assert lesion.conspicuity == pytest.approx(0.5 * 4)


def test_a_lesion_of_twice_the_visible_brightness_is_drawn_on_its_border() -> None:
    assert BALL.visible_growth_mm == pytest.approx(0)


def test_a_bright_lesion_is_drawn_larger_and_a_faint_one_smaller_than_it_is() -> None:
    assert replace(BALL, contrast=1.0).visible_growth_mm > 0 > replace(BALL, contrast=0.5).visible_growth_mm


def test_brightness_is_half_of_the_contrast_on_the_border_and_falls_outwards() -> None:
    brightness = render_brightness([BALL], EVEN)
    distance = merge_distances([BALL], EVEN, [0.0])
    near = np.abs(distance) < 0.05
    assert near.any()
    assert brightness[near] == pytest.approx(0.39, abs=0.01)
    assert brightness.max() < 0.78
    assert brightness[distance < -5].max() < 0.01


def test_the_border_encloses_the_volume_of_the_ellipsoid() -> None:
    lesion = replace(BALL, radii_mm=(12.0, 6.0, 8.0))
    inside = np.count_nonzero(merge_distances([lesion], EVEN, [0.0]) > 0)
    assert inside * HEAD_GRID.step_mm**3 / 1000 == pytest.approx(lesion.volume_ml, rel=0.03)


def test_growth_moves_the_border_and_none_leaves_a_lesion_out() -> None:
    grown = np.count_nonzero(merge_distances([BALL], EVEN, [2.0]) > 0) * HEAD_GRID.step_mm**3
    assert grown == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.05)
    assert not (merge_distances([BALL], EVEN, [None]) > 0).any()


def test_lesions_lie_in_white_matter_mostly_near_the_ventricles(anatomy: Anatomy) -> None:
    lesions = sample_lesions(anatomy, 300, spawn_generator(0, "subject", 0))
    points = np.rint((np.array([le.centre_mm for le in lesions]) - HEAD_GRID.origin_mm) / HEAD_GRID.step_mm).astype(int)
    x, y, z = points.T
    assert np.mean(anatomy.white[x, y, z]) > 0.95
    assert np.mean(anatomy.ventricle_distance_mm[x, y, z] > -15) > 0.6


def test_lesion_volumes_are_log_normal_about_the_median(anatomy: Anatomy) -> None:
    lesions = sample_lesions(anatomy, 500, spawn_generator(0, "subject", 0))
    logs = np.log([lesion.volume_ml for lesion in lesions])
    assert np.exp(np.median(logs)) == pytest.approx(0.38, rel=0.4)
    assert 0.6 < logs.std() < 1.0


def test_the_same_generator_draws_the_same_lesions(anatomy: Anatomy) -> None:
    first, second = (sample_lesions(anatomy, 5, spawn_generator(3, "subject", 0)) for _ in range(2))
    assert first == second


def test_lookalikes_are_faint_and_not_genuine(anatomy: Anatomy) -> None:
    lookalikes = sample_lookalikes(anatomy, 4, spawn_generator(0, "visit", 0, 0))
    assert all(not spot.genuine and spot.contrast < 0.2 for spot in lookalikes)
