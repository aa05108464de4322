"""Logistic regression, cross-validation, intervals and the permutation test."""

import numpy as np
import pytest
from crowd_builders import QUICK
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError, SettingsError
from overread.questions.crowd_disagreement.feature_sets import FeatureSet, select_columns
from overread.questions.crowd_disagreement.outcome_prediction import (
    compute_auc,
    cross_validate,
    estimate_interval,
    fit_logistic,
    sample_folds,
    sample_orders,
    score_cases,
)
from overread.questions.crowd_disagreement.permutation_test import compare_with_chance, compute_permutation_p
from overread.questions.crowd_disagreement.results import CrowdSettings

RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 4))
Y = X[:, 0] + RNG.normal(size=40) > 0.5
EVERYTHING = FeatureSet("everything", "Everything", "all", 4, select_columns(range(4)))
ALONE = [f"s{index}" for index in range(40)]


@pytest.mark.parametrize("inverse_penalty", [0.01, 1.0, 100.0])
def test_many_fits_at_once_are_those_of_scikit_learn(inverse_penalty):
    from sklearn.linear_model import LogisticRegression

    learnt = np.ones((3, 40))
    learnt[1, :10] = learnt[2, 30:] = 0
    found = fit_logistic(X[None], np.broadcast_to(Y, (3, 40)), learnt, inverse_penalty=inverse_penalty)
    for coefficients, kept in zip(found, learnt.astype(bool), strict=True):
        reference = LogisticRegression(C=inverse_penalty, tol=1e-10, max_iter=10_000).fit(X[kept], Y[kept])
        np.testing.assert_allclose(coefficients[:-1], reference.coef_[0], atol=2e-5)
        assert coefficients[-1] == pytest.approx(reference.intercept_[0], abs=2e-5)


def test_without_any_information_the_score_is_the_log_odds_of_the_classes():
    outcome = np.array([[True, False, False, False]])
    coefficients = fit_logistic(np.zeros((1, 4, 2)), outcome, np.ones((1, 4)), inverse_penalty=1.0)
    assert score_cases(np.zeros((1, 4, 2)), coefficients)[0] == pytest.approx([-np.log(3)] * 4)


def test_separable_classes_have_a_fit_because_of_the_penalty():
    features = np.array([[[-2.0], [-1], [1], [2]]])
    outcome = np.array([[False, False, True, True]])
    weight, intercept = fit_logistic(features, outcome, np.ones((1, 4)), inverse_penalty=1000.0)[0]
    assert 5 < weight < 50
    assert intercept == pytest.approx(0, abs=1e-8)


def test_auc_by_hand():
    # Pairs of 0.9 and 0.5 with 0.1, 0.5, 0.8: won 3, then 1 and a draw.
    scores = np.array([0.9, 0.5, 0.1, 0.5, 0.8])
    assert compute_auc(scores, np.array([True, True, False, False, False])) == pytest.approx(4.5 / 6)


def test_the_interval_counts_the_overlap_of_trainings_by_hand():
    # Mean 0.65, s² = 0.05 / 3; times 1 / 4 + 1 / 1; t of 3 degrees of freedom 3.182446.
    interval = estimate_interval(np.array([[0.5, 0.7], [0.6, 0.8]]), confidence=0.95, bounds=(-1, 2))
    reach = 3.182446 * (0.05 / 3 * 1.25) ** 0.5
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((0.65, 0.65 - reach, 0.65 + reach))
    assert estimate_interval(np.array([[0.9, 1.0], [0.8, 1.0]]), confidence=0.95).high == 1.0


@pytest.mark.parametrize("leak_free", [True, False])
def test_cross_validation_is_that_of_a_plain_loop(leak_free):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    chosen = QUICK.model_copy(update={"leak_free": leak_free})
    divisions = sample_folds(Y, ALONE, folds=3, repeats=2, seed=5)
    found = cross_validate(X, Y, divisions, EVERYTHING, chosen)
    expected = []
    for state in (10, 11):
        for train, test in StratifiedKFold(3, shuffle=True, random_state=state).split(X, Y):
            seen = X[train] if leak_free else X
            scaled = (X - seen.mean(0)) / seen.std(0)
            model = LogisticRegression(tol=1e-10).fit(scaled[train], Y[train])
            expected.append(roc_auc_score(Y[test], model.decision_function(scaled[test])))
    assert found.ravel().tolist() == pytest.approx(expected)


def test_batches_change_nothing(monkeypatch):
    divisions = sample_folds(Y, ALONE, folds=3, repeats=4, seed=0)
    whole = cross_validate(X, Y, divisions, EVERYTHING, QUICK)
    monkeypatch.setattr("overread.questions.crowd_disagreement.outcome_prediction._BATCH_VALUES", 1)
    np.testing.assert_allclose(cross_validate(X, Y, divisions, EVERYTHING, QUICK), whole)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.booleans(), min_size=12, max_size=30), st.integers(0, 9))
def test_each_case_is_held_out_once_and_each_fold_has_both_classes(outcome, seed):
    outcome = np.array([True, True, True, False, False, False, *outcome])
    divisions = sample_folds(outcome, [str(i) for i in range(len(outcome))], folds=3, repeats=2, seed=seed)
    assert divisions.shape == (2, len(outcome))
    for division in divisions:
        positives = [int(outcome[division == fold].sum()) for fold in range(3)]
        assert max(positives) - min(positives) <= 1
        assert all(0 < count < (division == fold).sum() for fold, count in enumerate(positives))


def test_cases_of_a_subject_stay_together():
    subjects = [f"s{index // 2}" for index in range(40)]
    outcome = np.arange(40) // 2 % 3 == 0
    for division in sample_folds(outcome, subjects, folds=4, repeats=3, seed=1):
        assert all(len({division[index], division[index + 1]}) == 1 for index in range(0, 40, 2))


def test_fewer_cases_than_folds_are_refused():
    with pytest.raises(
        InputError, match=r"as many complete cases as there are folds, got 2 cases of the rarer class, 6"
    ):
        sample_folds(np.array([True] * 2 + [False] * 4), list("abcdef"), folds=3, repeats=1, seed=0)


def test_a_fold_without_a_class_is_refused():
    # Both positive cases are of one subject, so one of two folds has none.
    outcome = np.array([True, True, False, False, False, False])
    with pytest.raises(InputError, match="must hold cases of both classes"):
        sample_folds(outcome, list("aabbcc"), folds=2, repeats=1, seed=0)


def test_subjects_change_places_as_a_whole():
    subjects = list("aabbbccddde")
    orders = sample_orders(subjects, count=50, generator=np.random.default_rng(0))
    for order in orders:
        taken = [subjects[place] for place in order]
        assert sorted(order) == list(range(11))
        assert [len(set(block)) for block in (taken[:2], taken[2:5], taken[5:7], taken[7:10])] == [1, 1, 1, 1]
        assert taken[10] == "e"
        assert {taken[0], taken[5]} == {"a", "c"}
    assert len({tuple(order) for order in orders}) == 4


def test_the_true_order_counts_among_the_random_ones():
    assert compute_permutation_p(0.7, np.array([0.5, 0.7, 0.6])) == pytest.approx(2 / 4)
    assert compute_permutation_p(0.9, np.zeros(99)) == pytest.approx(0.01)


def test_noise_is_at_chance_and_a_signal_is_not():
    divisions = sample_folds(Y, ALONE, folds=3, repeats=1, seed=0)
    orders = sample_orders(ALONE, count=99, generator=np.random.default_rng(1))
    noise = np.random.default_rng(8).normal(size=(40, 4))
    signal, _ = compare_with_chance(X, Y, divisions, orders, EVERYTHING, QUICK)
    nothing, permuted = compare_with_chance(noise, Y, divisions, orders, EVERYTHING, QUICK)
    assert signal.p <= 0.03
    assert nothing.p > 0.1
    assert abs(permuted.mean() - 0.5) < 0.05


def test_random_outcomes_are_told_from_ratings_in_few_studies():
    # With 19 orders and one below 1 / 20 by chance: at most 5 % of studies, and three standard errors of 200.
    generator, found = np.random.default_rng(0), []
    for _ in range(200):
        divisions = sample_folds(Y, ALONE, folds=3, repeats=1, seed=0)
        orders = sample_orders(ALONE, count=19, generator=generator)
        test, _ = compare_with_chance(generator.normal(size=(40, 4)), Y, divisions, orders, EVERYTHING, QUICK)
        found.append(test.p <= 0.05)
    assert np.mean(found) <= 0.05 + 3 * (0.05 * 0.95 / 200) ** 0.5


def test_random_orders_that_change_nothing_give_the_true_value():
    divisions = sample_folds(Y, ALONE, folds=3, repeats=2, seed=0)
    same = np.tile(np.arange(40), (3, 1))
    test, permuted = compare_with_chance(X, Y, divisions, same, EVERYTHING, QUICK)
    np.testing.assert_allclose(permuted, test.observed)
    assert test.p == 1


def test_the_test_cannot_use_more_divisions_than_there_are():
    with pytest.raises(SettingsError, match="permutation_repeats must be at most repeats, 2"):
        CrowdSettings.parse({"repeats": 2, "permutation_repeats": 3}, where="x")
