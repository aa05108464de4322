"""Do features tell more than chance, or more than size? Permutation tests that fit every order anew.

Ratings: outcomes are dealt out to the cases at random, see `compare_with_chance`. Masks: what size leaves unexplained
of disagreement is dealt out to the cases at random, see `compare_with_size`. In simulations where the outcome depends
on size alone, disagreement as measured is better than chance in 40 to 78 % of studies, for it goes with size, and the
test with residuals errs in 4 to 7 %; a t-test of the gain over folds errs in under 1 % and finds next to nothing.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.significance import adjust_holm
from overread.questions.crowd_disagreement.feature_sets import COMBINED, DISAGREEMENT, Array, FeatureSet
from overread.questions.crowd_disagreement.outcome_prediction import (
    Folds,
    Orders,
    cross_validate,
    cross_validate_exchanged,
    cross_validate_permuted,
)
from overread.questions.crowd_disagreement.results import CrowdSettings, PermutationTest

_ROUNDING = 1e-12
_HIGH = 0.95


def compute_permutation_p(observed: float, permuted: Array) -> float:
    """One-sided p: the share of orders that reach the observed value, the true order among them.

    It is never 0 (Phipson and Smyth 2010).

    Args:
        observed: value of the true order.
        permuted: (P,) values of random orders.
    """
    return float((1 + np.count_nonzero(permuted >= observed - _ROUNDING)) / (1 + len(permuted)))


def compare_with_chance(
    values: Array,
    outcome: NDArray[np.bool_],
    divisions: Folds,
    orders: Orders,
    features: FeatureSet,
    settings: CrowdSettings,
) -> tuple[PermutationTest, Array]:
    """Compare the AUC of a set of features with what it is when outcomes are put in random order.

    Args:
        values: (N, C) finite, as measured.
        outcome: (N,).
        divisions: (R, N) the fold in which each case is held out.
        orders: (P, N) random orders.
        features: the set.
        settings: z-scoring and penalty.

    Returns:
        The test, and the AUC of every order, (P,).
    """
    observed = float(cross_validate(values, outcome, divisions, features, settings).mean())
    permuted = cross_validate_permuted(values, outcome, divisions, orders, features, settings)
    return _describe(features, observed, permuted), permuted


def compare_with_size(
    values: Array,
    outcome: NDArray[np.bool_],
    divisions: Folds,
    orders: Orders,
    features: FeatureSet,
    settings: CrowdSettings,
) -> tuple[PermutationTest, Array]:
    """Compare the AUC of a set of features with what it is when cases exchange all that size leaves unexplained.

    The AUC of size alone is the same in every order, so that this is also the test of the gain over it.

    Args:
        values: (N, C) finite, as measured.
        outcome: (N,).
        divisions: (R, N) the fold in which each case is held out.
        orders: (P, N) random orders.
        features: the set, freed of size.
        settings: z-scoring and penalty.

    Returns:
        The test, and the AUC of every order, (P,).
    """
    observed = float(cross_validate(values, outcome, divisions, features, settings).mean())
    permuted = cross_validate_exchanged(values, outcome, divisions, orders, features, settings)
    return _describe(features, observed, permuted), permuted


def _describe(features: FeatureSet, observed: float, permuted: Array) -> PermutationTest:
    return PermutationTest(
        key=features.key,
        title=features.title,
        observed=observed,
        chance_mean=float(permuted.mean()),
        chance_high=float(np.quantile(permuted, _HIGH)),
        permutations=len(permuted),
        p=compute_permutation_p(observed, permuted),
    )


def correct_single_measures(tests: Sequence[PermutationTest]) -> tuple[PermutationTest, ...]:
    """Holm-correct the tests of single measures for their number; those of all together stand by themselves."""
    single = [test for test in tests if test.key not in (COMBINED, DISAGREEMENT)]
    corrected = dict(zip((test.key for test in single), adjust_holm([test.p for test in single]), strict=True))
    return tuple(test.model_copy(update={"p_holm": corrected.get(test.key)}) for test in tests)
