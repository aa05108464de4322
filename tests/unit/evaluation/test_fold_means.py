import math

import numpy as np
import pytest
from scipy import stats

from overread.errors import InputError
from overread.evaluation.fold_means import compare_folds_with_chance


def test_folds_are_compared_with_chance_by_a_t_that_allows_for_shared_training_subjects() -> None:
    """Mean .7, SD .1: t = .2 / (.1 · √(1/3 + 1/2))."""
    found = compare_folds_with_chance([0.6, 0.7, 0.8], chance=0.5)
    error = 0.1 * math.sqrt(5 / 6)
    assert found.interval.estimate == pytest.approx(0.7)
    assert found.interval.high - 0.7 == pytest.approx(stats.t.ppf(0.975, 2) * error)
    assert found.p_above == pytest.approx(stats.t.sf(0.2 / error, 2))


def test_two_folds_tell_nothing_of_their_spread() -> None:
    found = compare_folds_with_chance([0.6, 0.9], chance=0.5)
    assert found.p_above is None
    assert math.isnan(found.interval.low)


@pytest.mark.parametrize(("value", "p"), [(0.5, 1), (0.6, 0)])
def test_folds_without_any_spread_are_above_chance_or_not(value: float, p: float) -> None:
    assert compare_folds_with_chance([value] * 4, chance=0.5).p_above == p


def test_no_fold_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="at least one fold"):
        compare_folds_with_chance([], chance=0.5)


def test_values_of_chance_are_above_it_in_one_of_forty_tests_at_two_and_a_half_percent() -> None:
    rng = np.random.default_rng(0)
    tests = [compare_folds_with_chance(rng.normal(0.5, 0.1, 5).tolist(), chance=0.5).p_above for _ in range(2000)]
    assert np.mean([p is not None and p <= 0.025 for p in tests]) <= 0.025
