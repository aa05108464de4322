import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError
from overread.evaluation.bootstrap import bootstrap_mean, bootstrap_ratio

rows = st.lists(
    st.tuples(st.floats(-100, 100), st.floats(0.5, 100), st.sampled_from("abcdef")), min_size=2, max_size=12
).filter(lambda found: len({subject for _, _, subject in found}) > 1)


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


class TestRatio:
    def test_is_that_of_the_sums(self) -> None:
        """(30 - 20) / (100 + 400), not the mean of 0.3 and -0.05."""
        interval = bootstrap_ratio([30.0, -20.0], [100.0, 400.0], ["a", "b"], seed=0)
        assert interval.estimate == pytest.approx(0.02)

    def test_of_two_subjects_follows_from_their_four_samples(self) -> None:
        """Both subjects give 10 / 500, one of them twice its own ratio."""
        interval = bootstrap_ratio([30.0, -20.0], [100.0, 400.0], ["a", "b"], seed=0)
        assert (interval.low, interval.high) == pytest.approx((-0.05, 0.3))
        narrow = bootstrap_ratio([30.0, -20.0], [100.0, 400.0], ["a", "b"], seed=0, confidence=0.4)
        assert (narrow.low, narrow.high) == pytest.approx((0.02, 0.02))

    def test_cases_of_a_subject_are_drawn_together(self) -> None:
        """a brings 30 - 10 of 100 + 100, b 40 of 400: both are 0.1, and so is every sample."""
        interval = bootstrap_ratio([30.0, -10.0, 40.0], [100.0, 100.0, 400.0], ["a", "a", "b"], seed=0)
        assert (interval.low, interval.high) == pytest.approx((0.1, 0.1))

    def test_samples_without_a_denominator_are_left_out(self) -> None:
        """b twice is 5 / 0; the others are 10 / 100 and 15 / 100."""
        interval = bootstrap_ratio([10.0, 5.0], [100.0, 0.0], ["a", "b"], seed=0)
        assert interval.estimate == pytest.approx(0.15)
        assert (interval.low, interval.high) == pytest.approx((0.1, 0.15))

    @given(rows=rows, seed=st.integers(0, 9))
    @settings(deadline=None, max_examples=50)
    def test_lies_between_the_ratios_of_the_subjects_and_so_does_its_interval(
        self, rows: list[tuple[float, float, str]], seed: int
    ) -> None:
        above, below, subjects = (list(column) for column in zip(*rows, strict=True))
        interval = bootstrap_ratio(above, below, subjects, seed=seed, resamples=200)
        ratios = [
            sum(a for a, _, who in rows if who == name) / sum(b for _, b, who in rows if who == name)
            for name in set(subjects)
        ]
        least, most = min(ratios) - 1e-9, max(ratios) + 1e-9
        assert least <= interval.low <= interval.high <= most
        assert least <= interval.estimate <= most

    @given(rows=rows)
    @settings(deadline=None, max_examples=30)
    def test_with_denominators_of_1_is_the_mean(self, rows: list[tuple[float, float, str]]) -> None:
        above, _, subjects = (list(column) for column in zip(*rows, strict=True))
        ratio = bootstrap_ratio(above, [1.0] * len(rows), subjects, seed=3, resamples=200)
        mean = bootstrap_mean(above, subjects, seed=3, resamples=200)
        found, expected = (ratio.estimate, ratio.low, ratio.high), (mean.estimate, mean.low, mean.high)
        assert found == pytest.approx(expected, abs=1e-9)

    @given(rows=rows, scale=st.floats(0.01, 100))
    @settings(deadline=None, max_examples=30)
    def test_depends_neither_on_the_unit_nor_on_the_order_of_cases(
        self, rows: list[tuple[float, float, str]], scale: float
    ) -> None:
        first, other = (
            bootstrap_ratio(
                [factor * a for a, _, _ in order],
                [factor * b for _, b, _ in order],
                [who for _, _, who in order],
                seed=1,
                resamples=200,
            )
            for factor, order in ((1.0, rows), (scale, rows[::-1]))
        )
        expected = (first.estimate, first.low, first.high)
        assert (other.estimate, other.low, other.high) == pytest.approx(expected, abs=1e-9)

    def test_of_a_single_subject_has_no_interval(self) -> None:
        interval = bootstrap_ratio([1.0, 2.0], [10.0, 20.0], ["a", "a"], seed=0)
        assert interval.estimate == pytest.approx(0.1)
        assert math.isnan(interval.low)
        assert math.isnan(interval.high)

    @pytest.mark.parametrize(
        ("above", "below", "subjects"),
        [([], [], []), ([1.0], [0.0], ["a"]), ([1.0], [1.0, 2.0], ["a"]), ([1.0], [1.0], ["a", "b"])],
    )
    def test_without_a_denominator_or_with_lists_of_different_lengths_is_refused(
        self, above: list[float], below: list[float], subjects: list[str]
    ) -> None:
        with pytest.raises(InputError, match="denominators that are not all 0, and subjects, as many of each"):
            bootstrap_ratio(above, below, subjects, seed=0)
