"""The threshold with which a network agrees best with labels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from overread.errors import InputError
from overread.evaluation.overlap import compute_dice
from overread.inference.best_threshold import THRESHOLDS, choose_threshold, compute_dice_by_threshold
from overread.types import Mask

PROBABILITY = np.array([0.95, 0.85, 0.72, 0.72, 0.30, 0.05], np.float32)


def label(*marked: int) -> Mask:
    return np.isin(np.arange(len(PROBABILITY)), marked)


@pytest.mark.parametrize(
    ("marked", "threshold"),
    [
        pytest.param((0, 1), 0.72, id="too much: perfect from 0.72 to 0.84"),
        pytest.param((0, 1, 2, 3, 4), 0.29, id="too little: perfect from 0.05 to 0.29"),
        pytest.param((0, 1, 2, 3), 0.5, id="right: perfect from 0.30 to 0.71"),
    ],
)
def test_the_best_threshold_that_is_nearest_to_one_half_is_chosen(marked: tuple[int, ...], threshold: float) -> None:
    assert choose_threshold([(label(*marked), PROBABILITY)]) == threshold


def test_of_two_that_are_equally_near_the_lower_is_chosen() -> None:
    """An empty label and a full one, right from 0.60 on and up to 0.40: one of the two is right at either end."""
    cases = [(np.zeros(1, bool), np.array([0.6], np.float32)), (np.ones(1, bool), np.array([0.41], np.float32))]
    assert choose_threshold(cases) == 0.4


def test_the_mean_over_cases_decides() -> None:
    """Alone the first case wants 0.9, the two others 0.5; together 0.5 gives (2/3 + 1 + 1) / 3."""
    loud = (np.array([True, False]), np.array([0.95, 0.9], np.float32))
    quiet = (np.array([True, False]), np.array([0.6, 0.1], np.float32))
    assert choose_threshold([loud]) == 0.9
    assert choose_threshold([loud, quiet, quiet]) == 0.5


@settings(max_examples=50, deadline=None)
@given(
    probability=arrays(
        np.float32, (3, 4), elements=st.floats(0, 1, width=32) | st.sampled_from(THRESHOLDS).map(np.float32)
    ),
    mask=arrays(np.bool_, (3, 4)),
)
def test_dice_by_threshold_is_that_of_the_masks(probability: NDArray[np.float32], mask: Mask) -> None:
    expected = [compute_dice(mask, probability > threshold) for threshold in THRESHOLDS]
    assert compute_dice_by_threshold(mask, probability) == pytest.approx(expected)


def test_no_case_is_refused() -> None:
    with pytest.raises(InputError, match="at least one labelled case"):
        choose_threshold([])
