from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.errors import InputError
from overread.labels.edge_profile import Profile, build_offsets, measure_edge_profile
from overread.labels.outline_direction import OutlineDirection, find_steepest, judge_outlines, measure_contrast
from overread.labels.perturbation import apply_perturbation, restore_perturbation
from overread.labels.settings import PerturbationSettings
from overread.study.demo.planar import ORGAN, SKIN
from overread.study.demo.planar.picture import Picture, sample_picture
from overread.study.demo.planar.raters import RATERS, draw_outline
from overread.types import Mask

OFFSETS = build_offsets([(1.0, 1.0)], 5)
CASES = 120


def peak_at(offset: float, height: float = 1.0) -> Profile:
    """A profile that falls by a tenth of its height with each step."""
    return np.asarray(height * (1 - 0.1 * np.abs(OFFSETS - offset)), np.float64)


def judge(profiles: list[Profile], subjects: list[str] | None = None) -> OutlineDirection:
    return judge_outlines(profiles, subjects or [str(index) for index in range(len(profiles))], OFFSETS)


def judge_masks(images: list[NDArray[Any]], masks: list[Mask]) -> OutlineDirection:
    profiles = [
        measure_edge_profile(image[np.newaxis].astype(np.float32), mask, OFFSETS, spacing=(1.0, 1.0))
        for image, mask in zip(images, masks, strict=True)
    ]
    return judge(profiles)


@pytest.fixture(scope="module", params=[SKIN, ORGAN], ids=lambda look: look.name)
def pictures(request) -> list[Picture]:
    return [sample_picture(request.param, 64, np.random.default_rng([seed, 3])) for seed in range(CASES)]


@pytest.mark.parametrize(
    ("offset", "verdict"),
    [(2, "grow"), (1, "grow"), (0, "leave alone"), (-2, "shrink"), (5, "no edges"), (-5, "no edges")],
)
def test_cases_that_agree_decide(offset, verdict):
    direction = judge([peak_at(offset)] * 4)
    assert (direction.offset, direction.low, direction.high) == (offset, offset, offset)
    assert (direction.agreement, direction.verdict) == (1, verdict)
    np.testing.assert_allclose(direction.profile, peak_at(offset))
    np.testing.assert_allclose(direction.lowest, direction.highest)


def test_contrast_is_the_smaller_of_the_falls_to_both_sides():
    assert measure_contrast(peak_at(0), 5) == pytest.approx(0.5)
    assert measure_contrast(peak_at(3), 8) == pytest.approx(0.2)
    assert measure_contrast(np.array([0, 6, 8, 6, 2, 6.0]), 2) == pytest.approx(1 - 2 / 8)


@pytest.mark.parametrize("profile", [np.ones(11), np.zeros(11), peak_at(5)], ids=["flat", "black", "at the end"])
def test_no_maximum_has_no_contrast(profile):
    assert measure_contrast(profile, find_steepest(profile, OFFSETS)) == 0


def test_of_equal_gradients_the_one_that_moves_the_outline_least_counts():
    assert OFFSETS[find_steepest(np.ones(11), OFFSETS)] == 0
    assert OFFSETS[find_steepest(np.where(np.abs(OFFSETS) >= 2, 1.0, 0.0), OFFSETS)] == -2


def test_low_contrast_is_no_edge():
    assert judge([1 + 0.1 * peak_at(2)] * 4).verdict == "no edges"


def test_cases_that_call_opposite_directions_have_no_common_edge():
    direction = judge([peak_at(3)] * 5 + [peak_at(-3)] * 5)
    assert direction.opposed > 0.05
    assert direction.verdict == "no edges"


def test_cases_that_waver_between_growing_and_not_are_left_alone():
    """Of four cases that say 1 and three that say 0, a resample has most of the first only two times in three."""
    direction = judge([peak_at(1)] * 4 + [peak_at(0)] * 3)
    assert (direction.offset, direction.low, direction.high) == (1, 0, 1)
    assert direction.agreement == pytest.approx(0.65, abs=0.04)
    assert direction.verdict == "leave alone"


def test_all_cases_of_a_subject_are_drawn_together():
    """Two subjects are drawn the same way twice in half of all resamples, which then say what one of them says."""
    profiles = [peak_at(2, height=2.5)] * 5 + [peak_at(0)] * 5
    assert judge(profiles, ["a"] * 5 + ["b"] * 5).agreement == pytest.approx(0.75, abs=0.03)
    assert judge(profiles).agreement > 0.9


def test_one_subject_says_nothing_about_the_spread():
    direction = judge([peak_at(2)] * 3, ["a"] * 3)
    assert direction.offset == 2
    assert np.isnan([direction.low, direction.high, direction.agreement, *direction.lowest]).all()
    assert direction.verdict == "leave alone"


@pytest.mark.parametrize(("count", "subjects"), [(0, []), (2, ["a"])])
def test_no_case_or_too_few_subjects_are_refused(count, subjects):
    with pytest.raises(InputError, match="one subject per case"):
        judge_outlines([peak_at(0)] * count, subjects, OFFSETS)


@pytest.mark.parametrize("grown", [-3, -2, -1, 0, 1, 2])
def test_discs_of_any_place_and_size_are_told_how_far_off_they_are_drawn(grown):
    generator = np.random.default_rng(1)
    images, masks = [], []
    for _ in range(16):
        row, column = generator.uniform(28, 36, size=2)
        away = np.hypot(*(np.indices((64, 64)) - np.array([row, column])[:, None, None]))
        radius = generator.uniform(9, 20)
        images.append(255 / (1 + np.exp((away - radius) / 0.8)))
        masks.append(away <= radius + grown)
    direction = judge_masks(images, masks)
    assert (direction.low, direction.offset, direction.high) == (-grown,) * 3


def test_the_truth_lies_on_the_edges(pictures):
    direction = judge_masks([p.image for p in pictures], [p.truth for p in pictures])
    assert (direction.offset, direction.verdict) == (0, "leave alone")


@pytest.mark.parametrize("rater", RATERS, ids=lambda rater: rater.name)
def test_a_rater_who_draws_off_the_border_is_found_out(pictures, rater):
    masks = [draw_outline(rater, p.truth, np.random.default_rng(seed)) for seed, p in enumerate(pictures)]
    direction = judge_masks([p.image for p in pictures], masks)
    assert (direction.low, direction.offset, direction.high) == (-rater.margin,) * 3
    assert direction.verdict == ("grow" if rater.margin < 0 else "shrink")


@pytest.mark.parametrize(
    ("vertices", "smooth", "offset", "verdict"),
    [(3, False, 2, "grow"), (7, False, 1, "grow"), (7, True, 0, "leave alone")],
)
def test_polygons_are_told_to_cut_off_what_they_cut_off(pictures, vertices, smooth, offset, verdict):
    settings = PerturbationSettings(mode="polygon", vertices=vertices, smooth=smooth)
    masks = [
        apply_perturbation(p.truth, restore_perturbation(settings, seed), (1.0, 1.0)) for seed, p in enumerate(pictures)
    ]
    direction = judge_masks([p.image for p in pictures], masks)
    assert (direction.offset, direction.verdict) == (offset, verdict)


def test_wavy_outlines_to_both_sides_are_not_called_too_small(pictures):
    settings = PerturbationSettings(mode="natural", strength=3.0)
    masks = [
        apply_perturbation(p.truth, restore_perturbation(settings, seed), (1.0, 1.0)) for seed, p in enumerate(pictures)
    ]
    kept = [(p.image, mask) for p, mask in zip(pictures, masks, strict=True) if mask.any()]
    assert judge_masks([image for image, _ in kept], [mask for _, mask in kept]).verdict != "grow"


def test_noise_has_no_edges(pictures):
    generator = np.random.default_rng(0)
    images = [generator.integers(0, 256, (64, 64)).astype(np.uint8) for _ in pictures]
    assert judge_masks(images, [p.truth for p in pictures]).verdict == "no edges"
