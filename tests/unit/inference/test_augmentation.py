"""Variations of an image and the way back."""

from itertools import product

import numpy as np
import pytest

from overread.inference.augmentation import (
    AugmentationRecord,
    apply_augmentation,
    describe_identity,
    has_square_plane,
    invert_augmentation,
    sample_augmentation,
)
from overread.inference.settings import UncertaintySettings
from overread.types import Image


def record(
    zoom: float = 1.0, shift: tuple[int, ...] = (0, 0), flips: tuple[bool, ...] = (False, False), turns: int = 0
) -> AugmentationRecord:
    return AugmentationRecord(zoom=zoom, shift_voxels=shift, flips=flips, quarter_turns=turns)


def sample(settings: UncertaintySettings, seed: int = 0, *, dimensions: int = 2, square: bool = True) -> list[object]:
    generator = np.random.default_rng(seed)
    return [sample_augmentation(settings, generator, dimensions=dimensions, square_plane=square) for _ in range(40)]


def as_image(*rows: list[float]) -> Image:
    return np.array([rows], np.float32)


ROW = as_image([0, 10, 20, 30, 40])


def test_a_quarter_turn_leads_from_the_first_axis_towards_the_second() -> None:
    turned = apply_augmentation(as_image([1, 2], [3, 4], [5, 6]), record(turns=1))
    np.testing.assert_array_equal(turned, as_image([2, 4, 6], [1, 3, 5]))


def test_a_flip_mirrors_its_own_axis() -> None:
    flipped = apply_augmentation(as_image([1, 2, 3], [4, 5, 6]), record(flips=(False, True)))
    np.testing.assert_array_equal(flipped, as_image([3, 2, 1], [6, 5, 4]))


def test_a_shift_moves_the_image_on_and_repeats_its_rim() -> None:
    np.testing.assert_array_equal(apply_augmentation(ROW, record(shift=(0, 2))), as_image([0, 0, 0, 10, 20]))
    np.testing.assert_array_equal(apply_augmentation(ROW, record(shift=(0, -1))), as_image([10, 20, 30, 40, 40]))


def test_a_zoom_magnifies_about_the_middle() -> None:
    np.testing.assert_allclose(apply_augmentation(ROW, record(zoom=2.0)), as_image([10, 15, 20, 25, 30]))
    np.testing.assert_allclose(apply_augmentation(ROW, record(zoom=0.5)), as_image([0, 0, 20, 40, 40]))


def test_voxels_that_a_shift_moved_out_are_not_covered() -> None:
    """After a shift by 2 the last two voxels are outside; voxel i of the image is predicted at i + 2."""
    found, covered = invert_augmentation(np.float32([[0.1, 0.2, 0.3, 0.4, 0.5]]), record(shift=(0, 2)))
    assert covered is not None
    np.testing.assert_array_equal(covered, [[True, True, True, False, False]])
    np.testing.assert_array_equal(found[covered], np.float32([0.3, 0.4, 0.5]))


def test_voxels_that_a_zoom_moved_out_are_not_covered() -> None:
    """Magnified twice about voxel 2, voxels 0 to 4 come to lie at -2, 0, 2, 4 and 6."""
    found, covered = invert_augmentation(np.float32([[0.1, 0.2, 0.3, 0.4, 0.5]]), record(zoom=2.0))
    assert covered is not None
    np.testing.assert_array_equal(covered, [[False, True, True, True, False]])
    np.testing.assert_allclose(found[covered], [0.1, 0.3, 0.5], atol=1e-7)


def test_a_smaller_copy_covers_the_whole_image() -> None:
    _, covered = invert_augmentation(np.zeros((7, 4), np.float32), record(zoom=0.8))
    assert covered is not None
    assert covered.all()


@pytest.mark.parametrize(("first", "second", "turns"), product((False, True), (False, True), range(4)))
def test_flips_and_turns_come_back_bit_for_bit(first: bool, second: bool, turns: int) -> None:
    image = np.random.default_rng(0).random((1, 5, 8, 3), np.float32)
    variation = record(flips=(first, second), turns=turns)
    varied = apply_augmentation(image, variation)
    assert varied.flags.c_contiguous
    assert varied.shape == ((1, 5, 8, 3) if turns % 2 == 0 else (1, 8, 5, 3))
    back, covered = invert_augmentation(varied[0], variation)
    assert covered is None
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, image[0])


def test_the_axis_of_the_slices_is_left_alone_for_a_network_in_2d() -> None:
    """Every slice is varied like the others, and none changes its place."""
    image = np.random.default_rng(0).random((2, 6, 6, 4), np.float32)
    variation = record(zoom=1.2, shift=(1, -1), flips=(True, False), turns=3)
    varied = apply_augmentation(image, variation)
    for index in range(4):
        np.testing.assert_allclose(varied[..., index], apply_augmentation(image[..., index], variation), atol=1e-6)


def test_a_magnified_ramp_comes_back_as_it_was() -> None:
    """Linear interpolation makes no error on a ramp."""
    ramp = np.add.outer(np.arange(12), 2 * np.arange(9)).astype(np.float32)[None]
    variation = record(zoom=1.3, shift=(1, -2), flips=(True, False), turns=1)
    inside = record(zoom=1.3, flips=(True, False), turns=1)
    for each in (variation, inside):
        back, covered = invert_augmentation(apply_augmentation(ramp, each)[0], each)
        assert covered is not None
        assert 0 < covered.sum() < covered.size
        away = np.zeros_like(covered)
        away[3:-3, 3:-3] = True  # next to the rim a shifted copy repeats the values of the rim
        np.testing.assert_allclose(back[covered & away], ramp[0][covered & away], atol=1e-4)


@pytest.mark.parametrize("zoom", [0.9, 1.1, 1.25])
def test_a_magnified_wave_comes_back_within_the_error_of_two_interpolations(zoom: float) -> None:
    """Each makes an error of at most max |f''| / 8, and f'' of sin(x / 4) is at most 1/16, 1/16/zoom² in the copy."""
    wave = np.tile(np.sin(np.arange(40) / 4), (6, 1)).astype(np.float32)[None]
    back, covered = invert_augmentation(apply_augmentation(wave, record(zoom=zoom))[0], record(zoom=zoom))
    assert covered is not None
    inner = covered[:, 3:-3]
    difference = np.abs(back - wave[0])[:, 3:-3][inner]
    assert inner.sum() > 100
    assert 0 < difference.max() <= 1 / 128 + 1 / 128 / zoom**2


def test_draws_stay_in_their_ranges_and_reach_them() -> None:
    drawn = sample(UncertaintySettings(shift_voxels=2, zoom_range=(0.8, 1.25), flip_axes=(1,)))
    records = [r for r in drawn if isinstance(r, AugmentationRecord)]
    assert len(records) == 40
    assert {r.quarter_turns for r in records} == {0, 1, 2, 3}
    assert {voxels for r in records for voxels in r.shift_voxels} == {-2, -1, 0, 1, 2}
    assert {r.flips for r in records} == {(False, False), (False, True)}
    zooms = [r.zoom for r in records]
    assert 0.8 <= min(zooms) < 0.9
    assert 1.1 < max(zooms) <= 1.25


def test_equal_generators_draw_equal_records() -> None:
    assert sample(UncertaintySettings(), 3) == sample(UncertaintySettings(), 3)
    assert sample(UncertaintySettings(), 3) != sample(UncertaintySettings(), 4)


def test_nothing_to_vary_draws_the_image_itself() -> None:
    settings = UncertaintySettings(flip_axes=(), quarter_turns=False, shift_voxels=0, zoom_range=(1, 1))
    assert set(map(str, sample(settings, dimensions=3))) == {str(describe_identity(3))}


@pytest.mark.parametrize("settings", [UncertaintySettings(quarter_turns=False), UncertaintySettings()])
def test_no_turns_are_drawn_where_they_are_off_or_the_plane_is_not_square(settings: UncertaintySettings) -> None:
    drawn = sample(settings, square=not settings.quarter_turns)
    assert {r.quarter_turns for r in drawn if isinstance(r, AugmentationRecord)} == {0}


def test_a_record_survives_its_log() -> None:
    variation = record(zoom=1.0 + 1e-15, shift=(3, -1), flips=(True, False), turns=2)
    assert AugmentationRecord.model_validate_json(variation.model_dump_json()) == variation


@pytest.mark.parametrize(
    ("spacing", "patch_size", "square"),
    [
        ((0.7, 0.7, 5.0), (64, 64, 1), True),
        ((0.7, 0.7000004), (64, 64), True),
        ((0.7, 0.8, 0.7), (64, 64, 64), False),
        ((0.7, 0.7), (64, 32), False),
    ],
)
def test_a_plane_is_square_when_its_voxels_and_windows_are(
    spacing: tuple[float, ...], patch_size: tuple[int, ...], square: bool
) -> None:
    assert has_square_plane(spacing, patch_size) is square
