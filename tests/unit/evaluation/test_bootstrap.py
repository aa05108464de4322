import math

import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean


def test_the_estimate_is_the_mean_over_cases_not_over_subjects() -> None:
    interval = bootstrap_mean([1.0, 1.0, 1.0, 5.0], ["a", "a", "a", "b"], seed=0)
    assert interval.estimate == pytest.approx(2.0)


def test_cases_of_a_subject_are_drawn_together() -> None:
    # Two subjects: both drawn (half of the time) give 2.0, the first twice 1.0, the second twice 5.0.
    interval = bootstrap_mean([1.0, 1.0, 1.0, 5.0], ["a", "a", "a", "b"], seed=0)
    assert (interval.low, interval.high) == (1.0, 5.0)
    narrow = bootstrap_mean([1.0, 1.0, 1.0, 5.0], ["a", "a", "a", "b"], seed=0, confidence=0.4)
    assert (narrow.low, narrow.high) == (2.0, 2.0)  # a quarter of the samples lies on either side


def test_the_interval_of_two_values_follows_from_their_four_samples() -> None:
    # Means 0, ½, ½, 1: the quartiles are 0 … 1 as bounds at 2.5 % and 97.5 %.
    interval = bootstrap_mean([0.0, 1.0], ["a", "b"], seed=1)
    assert (interval.low, interval.estimate, interval.high) == (0.0, 0.5, 1.0)


def test_equal_values_leave_no_doubt() -> None:
    interval = bootstrap_mean([0.25] * 5, list("abcde"), seed=0)
    assert (interval.low, interval.high) == (0.25, 0.25)
    assert interval.excludes_zero


def test_the_spread_is_that_of_the_mean() -> None:
    values = np.random.default_rng(0).standard_normal(400)
    interval = bootstrap_mean(values.tolist(), [str(index) for index in range(400)], seed=0)
    standard_error = values.std() / math.sqrt(400)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * standard_error, rel=0.03)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(5)
    subjects = [str(index // 2) for index in range(60)]
    hits = 0
    for _ in range(200):
        values = np.repeat(generator.standard_normal(30), 2) + 0.1 * generator.standard_normal(60)
        interval = bootstrap_mean(values.tolist(), subjects, seed=0, resamples=500)
        hits += interval.low <= 0 <= interval.high
    assert 0.88 <= hits / 200 <= 0.98


def test_neither_the_order_of_cases_nor_a_second_call_changes_the_interval() -> None:
    values = np.random.default_rng(2).standard_normal(30).tolist()
    subjects = [f"{index * 7 % 20}" for index in range(30)]
    first = bootstrap_mean(values, subjects, seed=7)
    assert bootstrap_mean(values, subjects, seed=7) == first
    assert bootstrap_mean(values[::-1], subjects[::-1], seed=7) == first
    assert bootstrap_mean(values, subjects, seed=8) != first


def test_a_single_subject_has_no_interval() -> None:
    interval = bootstrap_mean([0.1, 0.3], ["a", "a"], seed=0)
    assert interval.estimate == pytest.approx(0.2)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)
    assert not interval.excludes_zero


@pytest.mark.parametrize(("values", "subjects"), [([], []), ([1.0], ["a", "b"])])
def test_values_without_their_subjects_are_refused(values: list[float], subjects: list[str]) -> None:
    with pytest.raises(InputError, match="one subject per value"):
        bootstrap_mean(values, subjects, seed=0)
