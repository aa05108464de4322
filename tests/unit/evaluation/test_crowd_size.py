"""Disagreement freed of size: by hand, and how often it adds to size where it does not, and where it does."""

import numpy as np
import pytest
from crowd_builders import QUICK

from overread.errors import InputError
from overread.questions.crowd_disagreement.feature_sets import FeatureSet, free_columns, select_columns, standardise
from overread.questions.crowd_disagreement.outcome_prediction import (
    cross_validate,
    cross_validate_exchanged,
    cross_validate_permuted,
    fit_logistic,
    sample_folds,
    sample_orders,
    score_cases,
)
from overread.questions.crowd_disagreement.permutation_test import (
    compare_with_size,
    compute_permutation_p,
    correct_single_measures,
)

SIZE = 2
BOTH = FeatureSet("combined", "Size and disagreement", "all", 3, select_columns(range(3)), freed_of=SIZE)
ALONE = FeatureSet("disagreement", "Freed", "combined", 2, select_columns(range(2)), True, freed_of=SIZE)
MEASURED = FeatureSet("measured", "Measured", "combined", 2, select_columns(range(2)))


def test_a_line_is_taken_by_hand_and_size_stays() -> None:
    # On sizes -1, 0, 1 the line of 1, 2, 6 is 3 + 2.5 s; what is left is 0.5, -1, 0.5.
    columns = np.array([[1.0, -1], [2, 0], [6, 1]])
    np.testing.assert_allclose(free_columns(columns, 1, np.ones(3)), [[0.5, -1], [-1, 0], [0.5, 1]])


def test_lines_are_those_of_the_training_cases_alone() -> None:
    columns = np.array([[0.0, 0], [2, 1], [50, 10]])
    freed = free_columns(columns, 1, np.array([1.0, 1, 0]))
    # The line through the first two is 2 s: the third lies 30 above it.
    np.testing.assert_allclose(freed[:, 0], [0, 0, 30])
    elsewhere = columns.copy()
    elsewhere[2] = [7, -3]
    np.testing.assert_allclose(free_columns(elsewhere, 1, np.array([1.0, 1, 0]))[:2], freed[:2])


def test_what_is_left_does_not_go_with_size_in_the_training_cases() -> None:
    generator = np.random.default_rng(0)
    columns, weights = generator.normal(size=(20, 4)), (np.arange(20) < 15).astype(float)
    freed = free_columns(columns, 3, np.stack([weights, np.ones(20)]))
    assert freed.shape == (2, 20, 4)
    for kept, found in ((slice(15), freed[0]), (slice(20), freed[1])):
        assert np.corrcoef(found[kept].T)[3, :3] == pytest.approx(0, abs=1e-12)


def test_size_without_spread_frees_nothing() -> None:
    columns = np.array([[1.0, 5], [3, 5]])
    np.testing.assert_allclose(free_columns(columns, 1, np.ones(2))[:, 0], [-1, 1])


@pytest.mark.parametrize("leak_free", [True, False])
def test_cross_validation_frees_by_the_lines_of_each_training_fold(leak_free: bool) -> None:
    values, outcome = draw(np.random.default_rng(1), 30)
    chosen = QUICK.model_copy(update={"leak_free": leak_free})
    divisions = sample_folds(outcome, NAMES[:30], folds=3, repeats=1, seed=0)
    found = cross_validate(values, outcome, divisions, ALONE, chosen)
    expected = []
    for fold in range(3):
        train = divisions[0] != fold
        design = np.stack([np.ones(30), values[:, SIZE]], axis=1)
        line = np.linalg.lstsq(design[train], values[train, :2], rcond=None)[0]
        left = values[:, :2] - design @ line
        scaled = standardise(left, train.astype(float) if leak_free else np.ones(30))
        weights = fit_logistic(scaled[None], outcome[None], train[None].astype(float), inverse_penalty=1.0)
        scores = score_cases(scaled[None], weights)[0][~train]
        positive, negative = scores[outcome[~train]], scores[~outcome[~train]]
        expected.append((positive[:, None] > negative).mean())
    assert found[0] == pytest.approx(expected)


def test_the_true_order_of_residuals_gives_the_true_value() -> None:
    values, outcome = draw(np.random.default_rng(2), 30)
    divisions = sample_folds(outcome, NAMES[:30], folds=3, repeats=2, seed=0)
    same = np.tile(np.arange(30), (2, 1))
    test, permuted = compare_with_size(values, outcome, divisions, same, BOTH, QUICK)
    np.testing.assert_allclose(permuted, test.observed)
    assert test.p == 1


def test_sets_that_are_not_freed_have_no_residuals_to_exchange() -> None:
    values, outcome = draw(np.random.default_rng(2), 30)
    divisions = sample_folds(outcome, NAMES[:30], folds=3, repeats=1, seed=0)
    with pytest.raises(InputError, match="where a set is freed of a column, got measured"):
        cross_validate_exchanged(values, outcome, divisions, np.arange(30)[None], MEASURED, QUICK)


def test_tests_of_all_measures_stand_by_themselves() -> None:
    values, outcome = draw(np.random.default_rng(2), 30)
    divisions = sample_folds(outcome, NAMES[:30], folds=3, repeats=1, seed=0)
    orders = sample_orders(NAMES[:30], count=19, generator=np.random.default_rng(0))
    dice = FeatureSet("dice", "Dice", "measure", 1, select_columns([0]), True, freed_of=SIZE)
    tests = [compare_with_size(values, outcome, divisions, orders, one, QUICK)[0] for one in (BOTH, ALONE, dice)]
    assert [test.p_holm for test in correct_single_measures(tests)] == [None, None, tests[2].p]


NAMES = [f"s{index}" for index in range(60)]


def draw(generator: np.random.Generator, count: int, *, adds: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Two measures that go with size, with more noise where it is small, and an outcome that goes with size.

    The outcome goes with the noise, too, where `adds` is above 0.
    """
    while True:
        size = generator.normal(size=count)
        own = generator.normal(size=count)
        spread = np.exp(-0.4 * size)
        values = np.stack(
            [0.8 * size + 0.5 * spread * own, generator.normal(size=count) * spread - 0.6 * size, size], 1
        )
        outcome = generator.random(count) < 1 / (1 + np.exp(-(1.2 * size + adds * own)))
        if 3 <= outcome.sum() <= count - 3:
            return values, outcome


def count_small_p(seed: int, *, studies: int, adds: float) -> tuple[float, float]:
    """Share of studies of 40 cases in which disagreement is told: beside size, and as measured against chance."""
    generator, found = np.random.default_rng(seed), []
    for _ in range(studies):
        values, outcome = draw(generator, 40, adds=adds)
        divisions = sample_folds(outcome, NAMES[:40], folds=3, repeats=1, seed=0)
        orders = sample_orders(NAMES[:40], count=39, generator=generator)
        arguments = (values, outcome, divisions)
        beside, _ = compare_with_size(*arguments, orders, BOTH, QUICK)
        observed = float(cross_validate(*arguments, MEASURED, QUICK).mean())
        permuted = cross_validate_permuted(*arguments, orders, MEASURED, QUICK)
        found.append((beside.p, compute_permutation_p(observed, permuted)))
    beside, measured = (np.array(found) <= 0.05).mean(axis=0)
    return float(beside), float(measured)


def test_disagreement_that_goes_with_size_alone_adds_to_it_in_few_studies() -> None:
    beside, measured = count_small_p(0, studies=150, adds=0.0)
    assert beside <= 0.07
    assert measured > 0.4


def test_disagreement_that_tells_more_than_size_is_found() -> None:
    beside, _ = count_small_p(1, studies=40, adds=2.0)
    assert beside > 0.6
