"""Normalisation of intensities, by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from overread.study.schema import IntensitySettings
from overread.study.working_cases import normalise

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
