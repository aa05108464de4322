"""The whole analysis on ratings whose answer is known."""

import numpy as np
import pandas as pd
import pytest
from crowd_builders import QUICK, analyse, sample_ratings

from overread.questions.crowd_disagreement.results import AUC_COLUMNS, CASE_COLUMNS, CrowdEvaluation


@pytest.fixture(scope="module")
def disputed():
    """Annotators disagree about the positive cases and say nothing with their mean."""
    return analyse(*sample_ratings(level=0.0, spread=5.0))


@pytest.fixture(scope="module")
def agreed():
    """Annotators rate positive cases higher and disagree about all cases alike."""
    return analyse(*sample_ratings(level=4.0, spread=1.0))


def test_disagreement_alone_is_found(disputed):
    evaluation = disputed.evaluation
    assert evaluation.find_score("std").auc.estimate > 0.95
    assert evaluation.find_score("consensus").auc.estimate < 0.75
    assert evaluation.find_test("disagreement").p == pytest.approx(0.01)
    assert evaluation.gain.low > 0


def test_consensus_alone_is_found(agreed):
    evaluation = agreed.evaluation
    assert evaluation.find_score("consensus").auc.estimate > 0.95
    assert evaluation.find_score("all").auc.estimate > 0.95
    assert evaluation.find_score("disagreement").auc.estimate < 0.8
    assert evaluation.find_test("disagreement").p > 0.05


def test_spreads_by_class_show_who_is_disputed(disputed):
    for contrast in disputed.evaluation.contrasts:
        assert contrast.positive_higher > 0.9
        assert contrast.positive_median > 0.5 > contrast.negative_median
        assert contrast.p <= contrast.p_holm < 0.01


def test_tables_hold_every_case_fold_and_random_order(disputed):
    evaluation = disputed.evaluation
    assert tuple(disputed.cases.columns) == (*CASE_COLUMNS, "spread:colour", "spread:border")
    assert len(disputed.cases) == evaluation.case_count == 36
    spreads = disputed.cases[["spread:colour", "spread:border"]].to_numpy()
    np.testing.assert_allclose([spreads.mean(0), spreads.std(0)], [[0, 0], [1, 1]], atol=1e-9)
    assert tuple(disputed.fold_auc.columns) == AUC_COLUMNS
    assert len(disputed.fold_auc) == 2 * len(evaluation.scores) * QUICK.repeats * QUICK.folds
    assert disputed.permuted.shape == (QUICK.permutations, len(evaluation.tests))


def test_scores_are_the_means_of_their_folds(disputed):
    by_set = disputed.fold_auc.groupby(["features", "leak_free"])["auc"].mean()
    for score in disputed.evaluation.scores:
        assert score.auc.estimate == pytest.approx(by_set[score.key, True])
        assert score.other_order_auc == pytest.approx(by_set[score.key, False])


def test_the_other_order_of_z_scores_swaps_both_columns(disputed):
    ratings, outcome = sample_ratings(level=0.0, spread=5.0)
    leaky = analyse(ratings, outcome, QUICK.model_copy(update={"leak_free": False, "permutations": 99}))
    for own, other in zip(disputed.evaluation.scores, leaky.evaluation.scores, strict=True):
        assert own.auc.estimate == pytest.approx(other.other_order_auc)


def test_single_measures_are_corrected_and_all_together_are_not(disputed):
    corrected = {test.key: test.p_holm for test in disputed.evaluation.tests}
    assert corrected.pop("disagreement") is None
    assert set(corrected) == {"std", "skewness", "kurtosis"}
    assert corrected["std"] == pytest.approx(3 * 0.01)


def test_the_same_seed_gives_the_same_numbers_and_another_one_other_folds(agreed):
    again, other = (analyse(*sample_ratings(level=4.0, spread=1.0), seed=seed) for seed in (0, 1))
    assert again.evaluation == agreed.evaluation
    pd.testing.assert_frame_equal(again.permuted, agreed.permuted)
    assert other.evaluation.scores != agreed.evaluation.scores


def test_the_evaluation_survives_its_file(agreed):
    evaluation = agreed.evaluation
    assert CrowdEvaluation.model_validate_json(evaluation.model_dump_json()) == evaluation
