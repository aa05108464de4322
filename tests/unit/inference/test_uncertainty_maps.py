"""Maps from predictions that come one at a time, of several networks together, and on disk."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image as PillowImage

from overread.errors import InputError
from overread.inference.uncertainty_maps import (
    UncertaintyAccumulator,
    UncertaintyMaps,
    average_maps,
    read_uncertainty,
    write_uncertainty,
)


def accumulate(*predictions: list[float] | NDArray[np.float32]) -> UncertaintyMaps:
    accumulator = UncertaintyAccumulator(np.shape(predictions[0]))
    for prediction in predictions:
        accumulator.add(np.float32(prediction))
    return accumulator.compute()


def test_maps_of_two_predictions_by_hand() -> None:
    """0.2 and 0.6: means 0.4 and (0.16 + 0.24) / 2 = 0.2, variance 0.04. 0.5 twice. 0 and 1, which contradict."""
    maps = accumulate([0.2, 0.5, 0.0], [0.6, 0.5, 1.0])
    np.testing.assert_allclose(maps.probability, [0.4, 0.5, 0.5], atol=1e-7)
    np.testing.assert_allclose(maps.aleatoric, [0.2, 0.25, 0.0], atol=1e-7)
    np.testing.assert_allclose(maps.epistemic, [0.04, 0.0, 0.25], atol=1e-7)
    assert {m.dtype for m in (maps.probability, maps.aleatoric, maps.epistemic)} == {np.dtype(np.float32)}


def test_the_cumulative_uncertainty_is_the_sum_of_the_aleatoric_map() -> None:
    assert accumulate([0.2, 0.5, 0.0], [0.6, 0.5, 1.0]).cumulative_aleatoric == pytest.approx(0.45, abs=1e-6)


def test_predictions_count_only_where_they_cover_the_voxel() -> None:
    """The first voxel is seen by 0.2 and 0.6, the second by 0.2 alone, whatever the other two say there."""
    accumulator = UncertaintyAccumulator((2,))
    accumulator.add(np.float32([0.2, 0.2]))
    accumulator.add(np.float32([0.6, 0.9]), np.array([True, False]))
    accumulator.add(np.float32([0.0, 0.0]), np.array([False, False]))
    maps = accumulator.compute()
    np.testing.assert_allclose(maps.probability, [0.4, 0.2], atol=1e-7)
    np.testing.assert_allclose(maps.aleatoric, [0.2, 0.16], atol=1e-7)
    np.testing.assert_allclose(maps.epistemic, [0.04, 0.0], atol=1e-7)


def test_a_voxel_that_no_prediction_covers_is_an_error() -> None:
    accumulator = UncertaintyAccumulator((3,))
    accumulator.add(np.float32([0.2, 0.2, 0.2]), np.array([True, False, False]))
    with pytest.raises(InputError, match="must be covered by a prediction, got 2 that none covers"):
        accumulator.compute()


def test_a_prediction_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match=r"must have the shape \(3, 4\), got \(4,\)"):
        UncertaintyAccumulator((3, 4)).add(np.zeros(4, np.float32))


def test_small_differences_of_large_probabilities_are_not_cancelled() -> None:
    """±1e-4 about 0.999: the variance of 1e-8 is below the rounding error of the difference of two squares."""
    rows = [[0.9991] if index % 2 else [0.9989] for index in range(1000)]
    assert accumulate(*rows).epistemic[0] == pytest.approx(1e-8, rel=2e-3)


def test_what_was_computed_does_not_change_when_more_is_added() -> None:
    accumulator = UncertaintyAccumulator((1,))
    accumulator.add(np.float32([0.5]))
    first = accumulator.compute()
    accumulator.add(np.float32([1.0]))
    np.testing.assert_array_equal(first.probability, np.float32([0.5]))
    np.testing.assert_allclose(accumulator.compute().probability, [0.75])


PREDICTIONS = arrays(np.float32, (3, 4, 2, 3), elements=st.floats(0, 1, width=32))
"""Of three networks, four each, of an image of 2 by 3."""


def make_maps(probability: list[float], aleatoric: list[float], epistemic: list[float]) -> UncertaintyMaps:
    return UncertaintyMaps(np.float32(probability), np.float32(aleatoric), np.float32(epistemic))


def assert_equal_maps(found: UncertaintyMaps, expected: UncertaintyMaps, tolerance: float) -> None:
    for name in ("probability", "aleatoric", "epistemic"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=0, atol=tolerance)
        assert getattr(found, name).dtype == np.float32


def test_two_networks_by_hand() -> None:
    """The first says 0.2 and 0.6, the second 0.9 and 0.9, so that together they are 0.2, 0.6, 0.9 and 0.9.

    Mean 2.6 / 4 = 0.65; aleatoric (0.16 + 0.24 + 0.09 + 0.09) / 4 = 0.145; variance 0.65 · 0.35 - 0.145 = 0.0825,
    although neither network has more than 0.04 of its own.
    """
    found = average_maps([make_maps([0.4], [0.2], [0.04]), make_maps([0.9], [0.09], [0.0])])
    assert_equal_maps(found, make_maps([0.65], [0.145], [0.0825]), 1e-7)


@given(predictions=PREDICTIONS)
def test_they_are_the_maps_of_all_predictions(predictions: NDArray[np.float32]) -> None:
    found = average_maps(accumulate(*one) for one in predictions)
    assert_equal_maps(found, accumulate(*predictions.reshape(12, 2, 3)), 1e-6)


@given(predictions=PREDICTIONS)
def test_they_do_not_depend_on_the_order_and_stay_in_their_ranges(predictions: NDArray[np.float32]) -> None:
    maps = [accumulate(*one) for one in predictions]
    found = average_maps(maps)
    assert_equal_maps(average_maps(maps[::-1]), found, 1e-7)
    assert 0 <= found.probability.min() <= found.probability.max() <= 1
    for part in (found.aleatoric, found.epistemic):
        assert 0 <= part.min() <= part.max() <= 0.25


@given(predictions=PREDICTIONS)
def test_the_maps_of_one_network_stay_as_they_are(predictions: NDArray[np.float32]) -> None:
    maps = accumulate(*predictions[0])
    found = average_maps([maps])
    np.testing.assert_array_equal(found.probability, maps.probability)
    np.testing.assert_array_equal(found.aleatoric, maps.aleatoric)
    np.testing.assert_allclose(found.epistemic, maps.epistemic, rtol=0, atol=1e-6)


def test_the_maps_that_are_averaged_are_left_as_they_are() -> None:
    maps = [make_maps([0.5], [0.2], [0.05]), make_maps([0.1], [0.09], [0.0])]
    average_maps(maps)
    assert_equal_maps(maps[0], make_maps([0.5], [0.2], [0.05]), 0)
    assert_equal_maps(maps[1], make_maps([0.1], [0.09], [0.0]), 0)


def test_without_any_maps_there_is_no_mean() -> None:
    with pytest.raises(InputError, match="needs at least one, got none"):
        average_maps([])


AFFINE = np.array([[-1.5, 0, 0, 10], [0, 2, 0, -20], [0, 0, 3, 5], [0, 0, 0, 1.0]])


def draw_maps(*shape: int) -> UncertaintyMaps:
    draw = np.random.default_rng(0).random((3, *shape), np.float32)
    return UncertaintyMaps(draw[0], draw[1] / 4, draw[2] / 4)


def test_volumes_come_back_bit_for_bit(tmp_path: Path) -> None:
    maps = draw_maps(4, 5, 6)
    write_uncertainty(tmp_path, "ms-01", maps, AFFINE)
    found = read_uncertainty(tmp_path, "ms-01", ".nii.gz")
    np.testing.assert_array_equal(found.probability, maps.probability)
    np.testing.assert_array_equal(found.aleatoric, maps.aleatoric)
    np.testing.assert_array_equal(found.epistemic, maps.epistemic)


def test_volumes_are_float32_on_the_grid_of_the_case(tmp_path: Path) -> None:
    write_uncertainty(tmp_path, "ms-01", draw_maps(4, 5, 6), AFFINE)
    for name in ("probability", "aleatoric", "epistemic"):
        stored = nib.nifti1.Nifti1Image.from_filename(tmp_path / name / "ms-01.nii.gz")
        assert stored.get_data_dtype() == np.float32
        np.testing.assert_allclose(stored.get_sform(), AFFINE)
        np.testing.assert_allclose(stored.get_qform(), AFFINE, atol=1e-5)


def test_images_come_back_to_within_half_a_step(tmp_path: Path) -> None:
    maps = draw_maps(7, 9)
    write_uncertainty(tmp_path, "isic-01", maps, None)
    found = read_uncertainty(tmp_path, "isic-01", ".png")
    assert found.aleatoric.dtype == np.float32
    np.testing.assert_allclose(found.probability, maps.probability, atol=0.51 / 65535)
    np.testing.assert_allclose(found.aleatoric, maps.aleatoric, atol=0.51 * 0.25 / 65535)
    np.testing.assert_allclose(found.epistemic, maps.epistemic, atol=0.51 * 0.25 / 65535)


def test_white_is_a_probability_of_one_and_an_uncertainty_of_a_quarter(tmp_path: Path) -> None:
    greatest = UncertaintyMaps(np.float32([[0, 1]]), np.float32([[0, 0.25]]), np.float32([[0, 0.125]]))
    write_uncertainty(tmp_path, "isic-01", greatest, None)
    for name, white in {"probability": 65535, "aleatoric": 65535, "epistemic": 32768}.items():
        with PillowImage.open(tmp_path / name / "isic-01.png") as image:
            assert image.mode == "I;16"
            np.testing.assert_array_equal(np.asarray(image), [[0, white]])


def test_a_missing_map_is_an_error(tmp_path: Path) -> None:
    write_uncertainty(tmp_path, "isic-01", draw_maps(3, 3), None)
    (tmp_path / "epistemic" / "isic-01.png").unlink()
    with pytest.raises(InputError, match="must exist"):
        read_uncertainty(tmp_path, "isic-01", ".png")
