import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from overread.questions.acquisition_bias.auroc import (
    bootstrap_auroc,
    compute_auroc,
    compute_mean_aurocs,
    compute_weighted_aurocs,
    draw_subject_weights,
)

ONE = np.ones((1, 4))


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    # Positives 0.9 and 0.4 against 0.5 and 0.1: in order are (0.9, 0.5), (0.9, 0.1), (0.4, 0.1), three of four.
    assert compute_auroc(np.array([0.9, 0.4, 0.5, 0.1]), np.array([True, True, False, False])) == 0.75


def test_a_tie_counts_half() -> None:
    assert compute_auroc(np.array([0.5, 0.5, 0.1]), np.array([True, False, False])) == 0.75


def test_one_class_alone_has_no_area() -> None:
    assert math.isnan(compute_auroc(np.array([0.5, 0.2]), np.array([True, True])))


def test_a_weight_stands_for_copies_of_a_case() -> None:
    scores, positive = np.array([0.9, 0.4, 0.5, 0.1]), np.array([True, True, False, False])
    copied = compute_auroc(np.array([0.9, 0.4, 0.4, 0.5]), np.array([True, True, True, False]))
    assert compute_weighted_aurocs(scores, positive, np.array([[1.0, 2.0, 1.0, 0.0]]))[0] == pytest.approx(copied)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_the_area_agrees_with_scikit_learn(cases: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([score for score, _ in cases], float), np.array([one for _, one in cases])
    if positive.all() or not positive.any():
        assert math.isnan(compute_auroc(scores, positive))
    else:
        assert compute_auroc(scores, positive) == pytest.approx(roc_auc_score(positive, scores))


def test_the_areas_of_two_classes_are_equal_and_so_is_their_mean() -> None:
    first = np.array([0.1, 0.8, 0.7, 0.3])
    labels = np.array([1, 0, 1, 0])
    # Class 0 scores 0.8 and 0.3 against 0.1 and 0.7: three of four pairs are in order.
    assert compute_mean_aurocs(np.stack([first, 1 - first], axis=1), labels, ONE)[0] == pytest.approx(0.75)


def test_a_class_without_a_case_is_left_out_of_the_mean() -> None:
    probabilities = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1]])
    assert compute_mean_aurocs(probabilities, np.array([0, 1, 0, 1]), ONE)[0] == 1.0


def test_subjects_bring_all_their_cases_and_no_class_is_lost() -> None:
    subjects, strata = ["a", "a", "b", "c", "d"], ["x", "x", "x", "y", "y"]
    weights = draw_subject_weights(subjects, strata, seed=0, resamples=50)
    assert np.array_equal(weights[:, 0], weights[:, 1])
    assert set(weights[:, 1] + weights[:, 2]) == {2.0}
    assert set(weights[:, 3] + weights[:, 4]) == {2.0}


def test_an_interval_holds_its_estimate_and_perfect_scores_leave_no_doubt() -> None:
    generator = np.random.default_rng(0)
    labels = np.arange(40) % 2
    scores = labels + generator.standard_normal(40)
    subjects = [f"s{index}" for index in range(40)]
    weights = draw_subject_weights(subjects, [str(label) for label in labels], seed=1, resamples=500)
    interval = bootstrap_auroc(np.stack([-scores, scores], axis=1), labels, weights)
    assert 0.5 < interval.low < interval.estimate < interval.high < 1
    perfect = np.stack([1.0 - labels, labels], axis=1)
    found = bootstrap_auroc(perfect, labels, weights)
    assert (found.low, found.estimate, found.high) == (1.0, 1.0, 1.0)


def test_one_subject_per_class_has_no_interval() -> None:
    labels = np.array([0, 1])
    weights = draw_subject_weights(["a", "b"], ["x", "y"], seed=0, resamples=20)
    interval = bootstrap_auroc(np.array([[0.9, 0.1], [0.2, 0.8]]), labels, weights)
    assert interval.estimate == 1.0
    assert math.isnan(interval.low)
