import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from overread.study.demo.ratings import ANNOTATORS, FEATURES, sample_ratings, sample_relapses
from overread.study.study import Study


def compute_auc(features: NDArray[np.float64], outcome: NDArray[np.bool_], folds: int) -> float:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    splits = StratifiedKFold(folds, shuffle=True, random_state=0)
    scores = cross_val_predict(model, features, outcome, cv=splits, method="decision_function")
    return float(roc_auc_score(outcome, scores))


def sample_table(count: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores (cases, features, annotators) and outcome of many cases."""
    generator = np.random.default_rng(0)
    relapses = sample_relapses(generator.normal(size=count), ["a", "b"] * (count // 2), 0.36, generator)
    ratings = sample_ratings([str(case) for case in range(count)], relapses, generator)
    values = np.array([rating.value for rating in ratings], float)
    return values.reshape(count, len(FEATURES), len(ANNOTATORS)), relapses


def test_the_mean_and_the_disagreement_of_annotators_both_predict_relapses() -> None:
    scores, relapses = sample_table(300)
    assert 0.85 < compute_auc(scores.mean(axis=2), relapses, 10) < 0.99
    assert 0.65 < compute_auc(scores.std(axis=2), relapses, 10) < 0.92


def test_scores_are_integers_of_the_features_scale() -> None:
    scores, _ = sample_table(40)
    assert scores.min() >= 0
    for values, feature in zip(scores.transpose(1, 0, 2), FEATURES, strict=True):
        assert values.max() <= feature.highest


def test_relapses_are_as_frequent_in_each_group() -> None:
    groups = ["a"] * 10 + ["b"] * 20
    relapses = sample_relapses(np.arange(30.0), groups, 0.3, np.random.default_rng(0))
    assert (relapses[:10].sum(), relapses[10:].sum()) == (3, 6)


@pytest.mark.parametrize("size", [2, 3])
def test_a_small_group_has_cases_with_and_without_a_relapse(size: int) -> None:
    relapses = sample_relapses(np.arange(float(size)), ["a"] * size, 0.01, np.random.default_rng(0))
    assert 0 < relapses.sum() < size


def test_ratings_of_the_demo_study_predict_its_outcome(demo: Study) -> None:
    with Path(demo.root / "ratings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [*rows[0]] == ["case_id", "annotator", "feature", "value"]
    assert {row["case_id"] for row in rows} == set(demo.case_ids)
    scores = np.array([int(row["value"]) for row in rows], float).reshape(len(demo.cases), -1)
    assert scores.shape[1] == len(FEATURES) * len(ANNOTATORS)
    outcome = np.array([case.columns["relapse"] == "1" for case in demo.cases])
    assert 0.85 <= compute_auc(scores, outcome, 5) <= 0.95
