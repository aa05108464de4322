"""Maps that several networks make together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from overread.errors import InputError
from overread.inference.uncertainty_maps import UncertaintyAccumulator, UncertaintyMaps, average_maps

PREDICTIONS = arrays(np.float32, (3, 4, 2, 3), elements=st.floats(0, 1, width=32))
"""Of three networks, four each, of an image of 2 by 3."""


def accumulate(predictions: NDArray[np.float32]) -> UncertaintyMaps:
    accumulator = UncertaintyAccumulator(predictions.shape[1:])
    for prediction in predictions:
        accumulator.add(prediction)
    return accumulator.compute()


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
    found = average_maps(accumulate(one) for one in predictions)
    assert_equal_maps(found, accumulate(predictions.reshape(12, 2, 3)), 1e-6)


@given(predictions=PREDICTIONS)
def test_they_do_not_depend_on_the_order_and_stay_in_their_ranges(predictions: NDArray[np.float32]) -> None:
    maps = [accumulate(one) for one in predictions]
    found = average_maps(maps)
    assert_equal_maps(average_maps(maps[::-1]), found, 1e-7)
    assert 0 <= found.probability.min() <= found.probability.max() <= 1
    for part in (found.aleatoric, found.epistemic):
        assert 0 <= part.min() <= part.max() <= 0.25


@given(predictions=PREDICTIONS)
def test_the_maps_of_one_network_stay_as_they_are(predictions: NDArray[np.float32]) -> None:
    maps = accumulate(predictions[0])
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
