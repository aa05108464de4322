import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from overread.errors import InputError
from overread.labels.edge_profile import EDGE_BLUR, build_offsets, measure_edge_profile, measure_gradient
from overread.labels.outline_direction import find_steepest
from overread.types import Mask

SQUARE_PIXELS = (1.0, 1.0)
OFFSETS = build_offsets([SQUARE_PIXELS], 5)


def draw_square(half_side: int) -> Mask:
    square = np.zeros((64, 64), np.bool_)
    square[32 - half_side : 32 + half_side, 32 - half_side : 32 + half_side] = True
    return square


def draw_disc(radius: float) -> Mask:
    rows, columns = np.indices((64, 64)) - 31.5
    return np.hypot(rows, columns) <= radius


def photograph(mask: Mask, blur: float = 1.0) -> NDArray[np.float32]:
    """A (1, *S) image of an object whose edge has the given std."""
    return ndimage.gaussian_filter(mask.astype(np.float32), blur)[np.newaxis]


def find_offset(image: NDArray[np.float32], mask: Mask) -> float:
    return float(OFFSETS[find_steepest(measure_edge_profile(image, mask, OFFSETS, spacing=SQUARE_PIXELS), OFFSETS)])


def test_offsets_are_steps_of_the_coarsest_in_plane_voxel():
    np.testing.assert_array_equal(build_offsets([(1.0, 1.5, 9.0), (2.0, 1.0, 3.0)], 2), [-4, -2, 0, 2, 4])


def test_the_profile_of_a_straight_edge_is_the_gaussian_that_blurs_it():
    """The p-th voxel beyond the last one inside sees the sum of the derivative's weights from p on.

    Voxel p is at p - 0.1, so that nine tenths of it count for offset p and a tenth for offset p - 1.
    """
    half_plane = np.zeros((40, 40), np.bool_)
    half_plane[:, :20] = True
    places = np.arange(-5, 6)
    weights = np.exp(-(places**2) / (2 * EDGE_BLUR**2))
    weights *= places / EDGE_BLUR**2 / weights.sum()
    voxels = np.array([weights[places >= p].sum() for p in places])
    profile = measure_edge_profile(photograph(half_plane, 0), half_plane, OFFSETS, spacing=SQUARE_PIXELS)
    expected = 0.9 * voxels[:-1] + 0.1 * voxels[1:]
    np.testing.assert_allclose(profile[:-1] * np.std(half_plane), expected, atol=2e-4)
    assert OFFSETS[find_steepest(profile, OFFSETS)] == 0


def test_a_ramp_is_as_steep_everywhere():
    ramp = 3 * np.indices((64, 64))[1].astype(np.float32)
    profile = measure_edge_profile(ramp[np.newaxis], draw_disc(10), OFFSETS, spacing=SQUARE_PIXELS)
    np.testing.assert_allclose(profile, 3 / ramp.std(), rtol=1e-3)


@pytest.mark.parametrize("grown", [-3, -1, 0, 1, 2, 4])
def test_a_square_that_is_drawn_too_large_or_small_is_told_by_how_much(grown):
    assert find_offset(photograph(draw_square(12)), draw_square(12 + grown)) == -grown


@given(radius=st.floats(12, 18), drawn_inside=st.integers(0, 4), blur=st.floats(0.6, 2))
def test_drawing_a_disc_farther_inside_moves_the_answer_outwards_as_far(radius, drawn_inside, blur):
    assert find_offset(photograph(draw_disc(radius), blur), draw_disc(radius - drawn_inside)) == drawn_inside


@given(radius=st.floats(9, 16), drawn_outside=st.integers(1, 4), blur=st.floats(0.6, 2))
def test_drawing_a_disc_farther_outside_moves_the_answer_inwards_by_no_less_than_a_pixel_short(
    radius, drawn_outside, blur
):
    found = find_offset(photograph(draw_disc(radius), blur), draw_disc(radius + drawn_outside))
    assert found in (-drawn_outside, 1 - drawn_outside)


@given(gain=st.floats(0.01, 1000), level=st.floats(-100, 100))
def test_the_scale_of_an_image_does_not_matter(gain, level):
    image, mask = photograph(draw_disc(12)), draw_disc(10)
    scaled = (gain * image.astype(np.float64) + level * gain).astype(np.float32)
    first, second = (measure_edge_profile(i, mask, OFFSETS, spacing=SQUARE_PIXELS) for i in (image, scaled))
    np.testing.assert_allclose(first, second, rtol=1e-2, atol=1e-3)


def test_channels_are_averaged_whatever_their_scale():
    edge, flat = photograph(draw_disc(12))[0], np.indices((64, 64))[0].astype(np.float32)
    mask = draw_disc(11)
    both, *single = (
        measure_edge_profile(np.stack(channels), mask, OFFSETS, spacing=SQUARE_PIXELS)
        for channels in ([edge, 100 * flat], [edge], [flat])
    )
    np.testing.assert_allclose(both, np.mean(single, axis=0), rtol=1e-5)


def test_dilating_eroding_and_looking_at_the_outermost_pixels_gives_the_same_profile():
    """With square pixels and offsets of one pixel; the reference looks at the whole image and at one offset a time."""
    generator = np.random.default_rng(4)
    mask = ndimage.gaussian_filter(generator.normal(size=(64, 64)), 6) > 0.05
    image = generator.normal(size=(1, 64, 64)).astype(np.float32)
    gradient = measure_gradient(image / image.std(), SQUARE_PIXELS)
    outside, inside = ndimage.distance_transform_edt(~mask), ndimage.distance_transform_edt(mask)
    expected = []
    for offset in OFFSETS:
        ring = np.abs(np.where(mask, 1 - inside, outside) - 0.1 - offset)
        weight = np.clip(1 - ring, 0, None)
        expected.append((weight * gradient).sum() / weight.sum())
    profile = measure_edge_profile(image, mask, OFFSETS, spacing=SQUARE_PIXELS)
    np.testing.assert_allclose(profile, expected, rtol=2e-4)


def test_a_volume_is_looked_at_slice_by_slice_in_millimetres():
    """Slices of several sizes, 4 mm apart, drawn one voxel of 1.5 mm inside; empty slices do not count."""
    radii = [0, 9, 13, 11, 0]
    image = np.stack([photograph(draw_disc(radius))[0] if radius else np.zeros((64, 64)) for radius in radii], axis=-1)
    mask = np.stack([draw_disc(radius - 1) for radius in radii], axis=-1)
    offsets = build_offsets([(1.5, 1.5, 4.0)], 3)
    profile = measure_edge_profile(image[np.newaxis].astype(np.float32), mask, offsets, spacing=(1.5, 1.5, 4.0))
    assert offsets[find_steepest(profile, offsets)] == 1.5


def test_a_gradient_is_per_unit_of_length_along_each_axis():
    rows, columns = np.indices((40, 40)).astype(np.float32)
    for plane, expected in ((rows, 1 / 2.0), (columns, 1 / 0.5), (rows + columns, np.hypot(1 / 2.0, 1 / 0.5))):
        middle = measure_gradient(plane[np.newaxis], (2.0, 0.5))[12:28, 12:28]
        np.testing.assert_allclose(middle, expected, rtol=1e-3)


def test_where_nothing_is_left_of_a_mask_the_gradient_is_0():
    mask = np.zeros((64, 64), np.bool_)
    mask[30:33, 30:33] = True
    profile = measure_edge_profile(photograph(draw_disc(12)) + 0.1, mask, OFFSETS, spacing=SQUARE_PIXELS)
    np.testing.assert_array_equal(profile[OFFSETS < -2], 0)
    assert (profile[OFFSETS >= -2] > 0).all()


def test_a_mask_without_an_outline_has_no_profile():
    mask = np.ones((64, 64), np.bool_)
    profile = measure_edge_profile(photograph(draw_disc(9)), mask, OFFSETS, spacing=SQUARE_PIXELS)
    np.testing.assert_array_equal(profile, 0)


@pytest.mark.parametrize("mask", [np.zeros((64, 64), np.bool_), np.ones((32, 32), np.bool_)])
def test_an_empty_mask_or_one_of_another_shape_is_refused(mask):
    with pytest.raises(InputError, match="shape of its image and not be empty"):
        measure_edge_profile(photograph(draw_disc(9)), mask, OFFSETS, spacing=SQUARE_PIXELS)
