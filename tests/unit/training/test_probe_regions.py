"""A phantom in HU: soft tissue with a lung, on a thin table, in air of -1000, padding of -1024 in a corner."""

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.errors import InputError
from overread.questions.acquisition_bias.probe_regions import (
    Scale,
    find_bodies,
    find_body,
    find_region,
    measure_clipped,
    measure_scale,
    render_region,
    sample_values,
    take_residue,
)
from overread.questions.acquisition_bias.probe_settings import ProbeImageSettings, Region
from overread.questions.acquisition_bias.probe_slices import SliceStack, choose_body_threshold, choose_window
from overread.study.schema import IntensitySettings, StudySettings

SETTINGS = ProbeImageSettings(side=48, window=(40, 400))
AIR, PADDING, TISSUE, LUNG = -1000.0, -1024.0, 60.0, -800.0


def make_plane() -> NDArray[np.float32]:
    plane = np.full((48, 48), AIR, np.float32)
    plane[:8, :8] = PADDING
    plane[12:36, 10:38] = TISSUE
    plane[20:26, 18:24] = LUNG
    plane[42:44, 4:44] = 200.0
    return plane


@pytest.fixture
def stack() -> SliceStack:
    return find_bodies(make_plane()[np.newaxis], threshold=-300.0, margin=2)


@pytest.mark.parametrize("threshold", [-300.0, None])
def test_the_body_holds_its_lung_and_not_the_table(threshold: float | None) -> None:
    body, other = find_body(make_plane(), threshold)
    # The opening rounds the corners: at most 3 pixels of each are lost.
    assert 24 * 28 - 12 <= body.sum() <= 24 * 28
    assert body[22, 20]
    assert not body[42:44].any()
    assert other[42:44, 4:44].all()


def test_a_body_that_touches_the_edge_of_the_slice_keeps_its_full_size() -> None:
    plane = np.full((20, 20), AIR, np.float32)
    plane[5:15, :] = TISSUE
    assert find_body(plane, -300.0)[0].sum() == 200


def test_a_flat_slice_and_one_without_large_objects_have_no_body() -> None:
    assert not find_body(np.zeros((20, 20), np.float32), None)[0].any()
    plane = np.full((20, 20), AIR, np.float32)
    plane[4, 4] = TISSUE
    body, other = find_body(plane, -300.0)
    assert not body.any()
    assert other.sum() == 1


def test_a_margin_belongs_to_neither_body_nor_air(stack: SliceStack) -> None:
    assert stack.body[0, 14, 20]
    assert not stack.body[0, 13, 20]
    assert not stack.air[0, 10, 20]
    assert stack.air[0, 9, 20]
    assert not stack.air[0, 40:46, 10].any()


def test_only_padding_and_air_are_left_outside_and_they_differ(stack: SliceStack) -> None:
    samples = [sample_values(stack, "outside", SETTINGS, np.random.default_rng(0))]
    assert set(np.unique(samples[0]).tolist()) == {PADDING, AIR}
    shown = render_region(stack, "outside", measure_scale(samples, "outside"), SETTINGS)[0]
    assert shown[24, 24] == shown[43, 20] == shown[20, 2]
    assert shown[2, 2] < shown[20, 2]
    # 64 of the air's pixels are padding: their ranks lie in the lowest share, air's in the middle of what is above.
    share = 64 / stack.air.sum()
    assert shown[2, 2] == pytest.approx(share - 1, abs=0.03)
    assert shown[20, 2] == pytest.approx(share, abs=0.03)


def test_padding_far_below_air_flattens_nothing(stack: SliceStack) -> None:
    far = stack.slices.copy()
    far[far == PADDING] = -3024.0
    shown = []
    for slices in (stack.slices, far):
        moved = SliceStack(slices, stack.body, stack.air)
        scale = measure_scale([slices[stack.air]], "outside")
        shown.append(render_region(moved, "outside", scale, SETTINGS))
    assert np.allclose(shown[0], shown[1], atol=0.01)


def test_the_body_is_windowed_and_all_else_has_its_median(stack: SliceStack) -> None:
    shown = render_region(stack, "body", Scale(choose_window(IntensitySettings(), SETTINGS)), SETTINGS)[0]
    # (60 - 40) / 200 = 0.1, the lung lies below the window.
    assert shown[16, 14] == pytest.approx(0.1, abs=1e-3)
    assert shown[22, 20] == -1
    assert shown[2, 2] == shown[43, 20] == shown[16, 14]


def test_noise_has_no_level_and_no_anatomy(stack: SliceStack) -> None:
    generator = np.random.default_rng(0)
    noisy = stack.slices + generator.normal(0, 10, stack.slices.shape).astype(np.float32)
    noisy[0, 12:36, 24:] += 100
    region = find_region(SliceStack(noisy, stack.body, stack.air), "noise", SETTINGS)
    assert 0.4 * stack.body.sum() < region.sum() <= 0.51 * stack.body.sum()
    residue = take_residue(noisy, 1.0)[region]
    assert abs(residue.mean()) < 2
    assert residue.std() < 15


def test_a_region_that_a_slice_lacks_shows_nothing() -> None:
    full = find_bodies(
        np.full((1, 16, 16), TISSUE, np.float32) + np.eye(16, dtype=np.float32), threshold=-300, margin=2
    )
    assert not find_region(full, "outside", SETTINGS).any()
    assert not render_region(full, "outside", Scale((-1.0, 1.0)), SETTINGS).any()
    assert np.isnan(measure_clipped(full, -160.0))


@pytest.mark.parametrize("region", ["outside", "noise"])
def test_a_study_without_a_region_still_has_a_scale(region: Region) -> None:
    shown = measure_scale([np.zeros(0, np.float32)], region).apply(np.array([0.0], np.float32))
    assert -1 <= shown[0] <= 1


def test_the_window_of_the_paper_hides_all_air(stack: SliceStack) -> None:
    assert measure_clipped(stack, -160.0) == 1
    assert measure_clipped(stack, -1010.0) == pytest.approx(64 / stack.air.sum())


def make_study(modality: str, intensity: IntensitySettings) -> StudySettings:
    return StudySettings(name="s", dimensions=3, modality=modality, channels=("c",), target="t", intensity=intensity)


def test_windows_come_from_the_settings_or_else_from_the_study() -> None:
    recipe = IntensitySettings(recipe="window", window_centre=-600, window_width=1500)
    assert choose_window(recipe, SETTINGS) == (-160, 240)
    assert choose_window(recipe, ProbeImageSettings()) == (-1350, 150)
    assert choose_window(IntensitySettings(), ProbeImageSettings()) == (-3, 3)


def test_the_body_of_ct_lies_above_minus_300_and_that_of_other_modalities_is_found() -> None:
    recipe = IntensitySettings(recipe="window", window_width=400)
    assert choose_body_threshold(make_study("CT", recipe), ProbeImageSettings()) == -300
    assert choose_body_threshold(make_study("MR", recipe), ProbeImageSettings()) is None
    assert choose_body_threshold(make_study("CT", IntensitySettings()), ProbeImageSettings()) is None
    assert choose_body_threshold(make_study("CT", recipe), ProbeImageSettings(body_threshold=-200)) == -200


def test_a_threshold_in_stored_units_is_refused_where_cases_are_z_scored() -> None:
    with pytest.raises(InputError, match="body_threshold needs a window"):
        choose_body_threshold(make_study("MR", IntensitySettings()), ProbeImageSettings(body_threshold=5))
