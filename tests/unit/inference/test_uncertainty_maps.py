"""Maps from predictions that come one at a time."""

import numpy as np
import pytest

from overread.errors import InputError
from overread.inference.uncertainty_maps import UncertaintyAccumulator, UncertaintyMaps


def accumulate(*values: list[float]) -> UncertaintyMaps:
    accumulator = UncertaintyAccumulator((len(values[0]),))
    for row in values:
        accumulator.add(np.float32(row))
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
