"""Cases as networks see them: intensities, shapes and values by hand, and there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from overread.study.schema import IntensitySettings
from overread.study.working_cases import (
    compute_working_shape,
    normalise,
    resample_image,
    resample_mask,
    resample_probability,
)

Z_SCORE, SKULL_STRIPPED = IntensitySettings(), IntensitySettings(nonzero_only=True)
CT = IntensitySettings(recipe="window", window_centre=40, window_width=400)


def make_image(*channels: list[float]) -> np.ndarray:
    return np.array(channels, np.float32)[:, None]


def test_z_score_takes_all_voxels() -> None:
    """Mean 3, squared deviations 9, 1, 1, 9: standard deviation √5."""
    found = normalise(make_image([0, 2, 4, 6]), Z_SCORE)
    np.testing.assert_allclose(found[0, 0], np.array([-3, -1, 1, 3]) / 5**0.5, rtol=1e-6)


def test_z_score_of_nonzero_voxels_leaves_the_others_at_zero() -> None:
    """Mean 3 and standard deviation 1 of the two voxels that are not 0."""
    found = normalise(make_image([0, 0, 2, 4]), SKULL_STRIPPED)
    np.testing.assert_allclose(found[0, 0], [0, 0, -1, 1], rtol=1e-6)


def test_each_channel_is_normalised_by_itself() -> None:
    found = normalise(make_image([0, 0, 2, 4], [100, 0, 300, 0]), SKULL_STRIPPED)
    np.testing.assert_allclose(found[:, 0], [[0, 0, -1, 1], [-1, 0, 1, 0]], rtol=1e-6)


def test_a_window_maps_its_bounds_to_minus_one_and_one_and_clips_beyond() -> None:
    found = normalise(make_image([-1000, -160, 40, 140, 240, 3000]), CT)
    np.testing.assert_array_equal(found[0, 0], [-1, -1, 0, 0.5, 1, 1])


@pytest.mark.parametrize("recipe", [Z_SCORE, SKULL_STRIPPED])
@pytest.mark.parametrize("level", [0.0, 7.0])
def test_a_constant_channel_becomes_zero(recipe: IntensitySettings, level: float) -> None:
    found = normalise(np.full((1, 2, 2, 2), level, np.float32), recipe)
    np.testing.assert_array_equal(found, np.zeros((1, 2, 2, 2)))


@pytest.mark.parametrize("recipe", [Z_SCORE, SKULL_STRIPPED, CT])
def test_the_result_is_float32_of_the_same_shape(recipe: IntensitySettings) -> None:
    found = normalise(np.random.default_rng(0).normal(0, 99, (2, 3, 4, 5)).astype(np.float32), recipe)
    assert (found.dtype, found.shape) == (np.float32, (2, 3, 4, 5))


@given(
    values=arrays(np.float32, (1, 4, 5), elements=st.integers(0, 200)),
    gain=st.floats(0.5, 20),
    offset=st.floats(-500, 500),
)
@settings(deadline=None, max_examples=50)
def test_z_score_does_not_depend_on_the_scanner_s_scale(values: np.ndarray, gain: float, offset: float) -> None:
    expected = normalise(values, Z_SCORE)
    found = normalise((values * np.float32(gain) + np.float32(offset)).astype(np.float32), Z_SCORE)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_the_working_grid_covers_the_same_extent() -> None:
    """10, 40 and 90 mm in steps of 2, 2 and 4 mm; 22.5 voxels are rounded to the even number."""
    assert compute_working_shape((10, 20, 30), (1.0, 2.0, 3.0), (2.0, 2.0, 4.0)) == (5, 20, 22)


def test_the_working_grid_is_the_case_s_own_where_none_is_set() -> None:
    assert compute_working_shape((10, 20, 30), (1.0, 2.0, 3.0), None) == (10, 20, 30)


def test_the_working_grid_has_at_least_one_voxel_per_axis() -> None:
    assert compute_working_shape((2, 50), (1.0, 1.0), (10.0, 10.0)) == (1, 5)


def test_enlarging_by_two_is_linear_between_voxel_centres() -> None:
    """New centres lie at old positions -0.25, 0.25, 0.75, 1.25, …; beyond the outer centres the edge value holds."""
    image = np.array([[[0.0, 4.0, 8.0]]], np.float32)
    found = resample_image(image, (1, 6))
    np.testing.assert_allclose(found, [[[0, 1, 3, 5, 7, 8]]], atol=1e-5)


def test_making_smaller_smooths_first() -> None:
    """Stripes of one voxel turn grey instead of black or white."""
    stripes = np.tile(np.array([0.0, 1.0], np.float32), 20)[None, None]
    inner = resample_image(np.repeat(stripes, 8, axis=1), (4, 10))[0, :, 2:-2]
    np.testing.assert_allclose(inner, 0.5, atol=0.1)


def test_a_ramp_keeps_its_slope_when_made_smaller() -> None:
    """Each new voxel covers two old ones, so that its centre lies between them: 2i + 0.5."""
    ramp = np.broadcast_to(np.arange(20, dtype=np.float32), (1, 4, 20))
    found = resample_image(np.ascontiguousarray(ramp), (4, 10))
    np.testing.assert_allclose(found[0, :, 2:-2], np.tile(2 * np.arange(2, 8) + 0.5, (4, 1)), atol=1e-3)


def test_channels_are_resampled_alike_and_apart() -> None:
    image = np.stack([np.zeros((4, 4, 4)), np.ones((4, 4, 4))]).astype(np.float32)
    found = resample_image(image, (2, 6, 5))
    np.testing.assert_allclose(found, np.broadcast_to(np.array([0, 1])[:, None, None, None], (2, 2, 6, 5)), atol=1e-6)
    assert found.dtype == np.float32


def test_a_mask_that_is_aligned_with_the_coarse_grid_comes_back_as_it_was() -> None:
    mask = np.zeros((12, 16), np.bool_)
    mask[4:10, 2:12] = True
    small = resample_mask(mask, (6, 8))
    expected = np.zeros((6, 8), np.bool_)
    expected[2:5, 1:6] = True
    np.testing.assert_array_equal(small, expected)
    back = resample_mask(small, (12, 16))
    corners = [(4, 2), (4, 11), (9, 2), (9, 11)]  # where linear interpolation stays at 0.75² = 0.56
    assert all(back[corner] for corner in corners)
    np.testing.assert_array_equal(back, mask)


def test_a_smooth_image_comes_back_nearly_as_it_was() -> None:
    x, y = np.meshgrid(np.linspace(0, np.pi, 60), np.linspace(0, np.pi, 48), indexing="ij")
    image = (np.sin(x) * np.sin(y))[None].astype(np.float32)
    back = resample_image(resample_image(image, (30, 24)), (60, 48))
    assert np.abs(back - image).max() < 0.05


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 5)])
def test_the_same_grid_returns_the_same_array(shape: tuple[int, ...]) -> None:
    array = np.random.default_rng(0).random(shape).astype(np.float32)
    assert resample_probability(array, shape) is array
    mask = array > 0.5
    assert resample_mask(mask, shape) is mask


@given(old=st.lists(st.integers(1, 9), min_size=3, max_size=3), new=st.lists(st.integers(1, 9), min_size=3, max_size=3))
@settings(deadline=None, max_examples=40)
def test_probabilities_stay_between_zero_and_one(old: list[int], new: list[int]) -> None:
    probability = np.random.default_rng(0).integers(0, 2, old).astype(np.float32)
    found = resample_probability(probability, tuple(new))
    assert found.shape == tuple(new)
    assert found.min() >= 0
    assert found.max() <= 1 + 1e-6


@given(level=st.booleans(), new=st.lists(st.integers(1, 9), min_size=2, max_size=2))
@settings(deadline=None, max_examples=20)
def test_a_uniform_mask_stays_uniform(level: bool, new: list[int]) -> None:
    assert (resample_mask(np.full((5, 6), level), tuple(new)) == level).all()
