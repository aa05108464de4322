import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from overread.errors import InputError
from overread.evaluation.estimate import RunVariance, SubjectScores, estimate_mean, pool_run_variance

NAN = math.nan
THREE_ROUNDS = np.array([0, 0, 1, 1, 2, 2])


def of_rounds(rows: list[list[float]], folds: NDArray[np.int64] = THREE_ROUNDS) -> SubjectScores:
    return SubjectScores(np.array(rows, np.float64), folds)


REPEATED = of_rounds([[1, 3], [3, 5], [2, 2], [4, 4], [0, 2], [4, 6]])


class TestEstimateMean:
    def test_adds_the_luck_of_subjects_and_of_trainings(self) -> None:
        """Subject means 2, 4, 2, 4, 1, 5: S² = 12 / 5. Rounds by repeat (2, 4), (3, 3), (2, 4): s² = 4 / 3."""
        found = estimate_mean(REPEATED)
        subjects, runs = 2.4 / 6, 4 / 3 / 6
        assert found.estimate == pytest.approx(3)
        assert found.standard_error == pytest.approx(math.sqrt(subjects + runs))
        df = (subjects + runs) ** 2 / (subjects**2 / 5 + runs**2 / 3)
        assert found.degrees_of_freedom == pytest.approx(df)
        half = stats.t.ppf(0.975, df) * found.standard_error
        assert (found.low, found.high) == pytest.approx((3 - half, 3 + half))
        assert found.smallest_detectable == pytest.approx(half + stats.t.ppf(0.9, df) * found.standard_error)
        assert found.p_value == pytest.approx(2 * stats.t.sf(3 / found.standard_error, df))
        assert found.run_std == pytest.approx(math.sqrt(4 / 3))
        assert (found.subject_count, found.fold_count, found.repeat_count) == (6, 3, 2)

    def test_takes_rounds_that_differ_more_than_their_subjects_explain_for_luck_of_training(self) -> None:
        """Rounds 0, 3, 6 without any spread within: b = 9 · (1/3 + 1/2), S² = 36 / 5."""
        found = estimate_mean(of_rounds([[0, 0], [0, 0], [3, 3], [3, 3], [6, 6], [6, 6]]))
        assert found.standard_error == pytest.approx(math.sqrt(7.2 / 6 + 9 * 5 / 6))

    def test_rests_on_the_rounds_alone_where_each_was_trained_once(self) -> None:
        """Rounds 1, 2, 6: variance 7."""
        found = estimate_mean(of_rounds([[0], [2], [1], [3], [6], [6]]))
        assert (found.estimate, found.degrees_of_freedom) == (3, 2)
        assert found.standard_error == pytest.approx(math.sqrt(7 * 5 / 6))
        assert found.run_std is None
        assert found.is_trained_once

    def test_each_subject_counts_once_however_many_cases_it_has(self) -> None:
        values, subjects = np.array([[0.0], [1.0], [2.0], [7.0]]), ["a", "a", "a", "b"]
        scores = SubjectScores.of_cases(values, subjects, [0, 0, 0, 1])
        assert scores.values.ravel().tolist() == [1, 7]
        assert scores.folds.tolist() == [0, 1]

    def test_a_training_that_failed_is_left_out_of_its_round_alone(self) -> None:
        with_failure = of_rounds([[1, 3, NAN], [3, 5, NAN], [2, 2, 2], [4, 4, 4], [0, 2, 4], [4, 6, 8]])
        found = estimate_mean(with_failure)
        rounds, means = [np.array([2, 4]), np.array([3, 3, 3]), np.array([2, 4, 6])], [2, 4, 2, 4, 2, 6]
        run_variance = sum(((one - one.mean()) ** 2).sum() for one in rounds) / (1 + 2 + 2)
        luck = run_variance / 9 * (1 / 2 + 1 / 3 + 1 / 3)
        assert found.estimate == pytest.approx(np.mean(means))
        assert found.standard_error == pytest.approx(math.sqrt(np.var(means, ddof=1) / 6 + luck))
        assert found.repeat_count == 2

    def test_a_round_without_any_training_is_left_out(self) -> None:
        scores = of_rounds([[1, 3]] * 3 + [[2, 2]] * 4 + [[NAN, NAN]] * 2, np.array([0] * 3 + [1] * 4 + [2] * 2))
        assert estimate_mean(scores).subject_count == 7

    @pytest.mark.parametrize(
        ("scores", "obstacle"),
        [
            (of_rounds([[1, 2]] * 5, np.array([0, 0, 1, 1, 2])), "few subjects"),
            (of_rounds([[1, 2]] * 12, np.arange(12) % 6), "many folds"),
            (of_rounds([[1]] * 8, np.arange(8) % 2), "few trainings"),
            (of_rounds([[1, 2]] * 8, np.arange(8) % 2), "few trainings"),
            (of_rounds([[1, 2, 3, 4]] * 8, np.zeros(8, np.int64)), "few trainings"),
        ],
    )
    def test_gives_no_interval_where_none_holds(self, scores: SubjectScores, obstacle: str) -> None:
        found = estimate_mean(scores)
        assert (found.obstacle, found.p_value, found.is_valid) == (obstacle, None, False)
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert math.isnan(found.smallest_detectable)
        assert found.estimate == pytest.approx(scores.values.mean())

    @pytest.mark.parametrize(("folds", "repeats"), [(1, 5), (2, 3), (2, 4), (3, 1), (5, 1), (5, 2)])
    def test_gives_an_interval_where_one_holds(self, folds: int, repeats: int) -> None:
        rng = np.random.default_rng(0)
        assert estimate_mean(SubjectScores(rng.normal(size=(12, repeats)), np.arange(12) % folds)).is_valid

    def test_takes_a_run_variance_that_was_measured_over_more_trainings(self) -> None:
        scores = of_rounds([[1], [3], [2], [4], [0], [4]], np.zeros(6, np.int64))
        found = estimate_mean(scores, run_variance=RunVariance(0.5, 8))
        subjects = np.var([1, 3, 2, 4, 0, 4], ddof=1) / 6
        assert found.standard_error == pytest.approx(math.sqrt(subjects + 0.5))
        assert found.degrees_of_freedom == pytest.approx((subjects + 0.5) ** 2 / (subjects**2 / 5 + 0.25 / 8))

    def test_without_any_spread_the_interval_is_a_point(self) -> None:
        found = estimate_mean(of_rounds([[0, 0]] * 6))
        assert (found.low, found.high, found.p_value) == (0, 0, 1)
        assert estimate_mean(of_rounds([[1, 1]] * 6)).p_value == 0

    def test_refuses_scores_of_no_training(self) -> None:
        with pytest.raises(InputError, match="at least one training"):
            estimate_mean(of_rounds([[NAN]] * 6))

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 10_000), st.floats(-3, 3), st.floats(0.1, 10))
    def test_moves_and_scales_with_the_scores_whatever_their_order(self, seed: int, shift: float, scale: float) -> None:
        rng = np.random.default_rng(seed)
        values, folds, order = rng.normal(size=(9, 2)), np.arange(9) % 3, rng.permutation(9)
        plain = estimate_mean(SubjectScores(values, folds))
        changed = estimate_mean(SubjectScores((scale * values + shift)[order], folds[order]))
        assert changed.estimate == pytest.approx(scale * plain.estimate + shift)
        assert changed.standard_error == pytest.approx(scale * plain.standard_error)
        assert changed.degrees_of_freedom == pytest.approx(plain.degrees_of_freedom)


class TestPoolRunVariance:
    def test_is_the_spread_of_rounds_over_repeats_in_every_condition(self) -> None:
        other = of_rounds([[0, 4], [0, 4], [1, 1], [1, 1], [1, 1], [1, 1]])
        found = pool_run_variance([REPEATED, other])
        assert found is not None
        assert (found.variance, found.degrees_of_freedom) == (pytest.approx((2 + 2 + 8) / 6), 6)
        assert found.scale(2).variance == pytest.approx(4)

    def test_is_unknown_where_all_were_trained_once(self) -> None:
        assert pool_run_variance([of_rounds([[1]] * 6)]) is None


class TestSubjectScores:
    def test_refuses_a_subject_that_two_rounds_hold_out(self) -> None:
        with pytest.raises(InputError, match="subject 'a'"):
            SubjectScores.of_cases(np.ones((3, 1)), ["a", "a", "b"], [0, 1, 1])

    def test_refuses_lists_of_different_lengths(self) -> None:
        with pytest.raises(InputError, match="one subject and one round"):
            SubjectScores.of_cases(np.ones((3, 1)), ["a", "b"], [0, 1])
