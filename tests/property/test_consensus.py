"""What holds for the consensus of any masks."""

from collections.abc import Callable

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from overread.labels.consensus import count_ties, vote_by_majority
from overread.labels.staple import StapleEstimate, StapleSettings, estimate_staple
from overread.labels.vote_patterns import VotePatterns, count_vote_patterns
from overread.types import Mask

MASKS = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=6))
"""(R, *S) bool."""
FEW_STEPS = StapleSettings(iteration_limit=20)
"""So that differences in rounding cannot grow."""


def vote_by_staple(patterns: VotePatterns) -> Mask:
    return estimate_staple(patterns, FEW_STEPS).mask


METHODS = pytest.mark.parametrize("method", [vote_by_majority, vote_by_staple])
Method = Callable[[VotePatterns], Mask]


def estimate(masks: NDArray[np.bool_]) -> StapleEstimate:
    return estimate_staple(count_vote_patterns(masks), FEW_STEPS)


@given(MASKS)
def test_patterns_hold_every_vote(masks: NDArray[np.bool_]) -> None:
    patterns = count_vote_patterns(masks)
    assert patterns.counts.sum() == masks[0].size
    assert len(np.unique(patterns.votes, axis=0)) == len(patterns.votes)
    for rater, mask in enumerate(masks):
        assert np.array_equal(patterns.paint(patterns.votes[:, rater]), mask)


@METHODS
@given(masks=MASKS)
def test_a_consensus_holds_what_all_label_and_nothing_that_nobody_labels(
    method: Method, masks: NDArray[np.bool_]
) -> None:
    found = method(count_vote_patterns(masks))
    assert not (masks.all(axis=0) & ~found).any()
    assert not (found & ~masks.any(axis=0)).any()


@METHODS
@given(mask=MASKS, count=st.integers(1, 9))
def test_raters_who_all_agree_are_followed(method: Method, mask: Mask, count: int) -> None:
    assert np.array_equal(method(count_vote_patterns([mask] * count)), mask)


@given(MASKS, st.integers(1, 9))
def test_raters_who_all_agree_make_no_errors(mask: Mask, count: int) -> None:
    found = estimate_staple(count_vote_patterns([mask] * count))
    known = np.append(found.sensitivity if mask.any() else [], found.specificity if not mask.all() else [])
    assert found.is_converged
    assert (known == 1).all()


@given(MASKS)
def test_the_majority_is_what_more_raters_label_than_not(masks: NDArray[np.bool_]) -> None:
    patterns = count_vote_patterns(masks)
    lead = np.where(masks, 1, -1).sum(axis=0)
    assert np.array_equal(vote_by_majority(patterns), lead > 0)
    assert count_ties(patterns) == np.count_nonzero(lead == 0)


@given(MASKS)
def test_more_copies_of_one_mask_than_of_all_others_are_the_majority(masks: NDArray[np.bool_]) -> None:
    copies = [masks[0]] * len(masks)
    assert np.array_equal(vote_by_majority(count_vote_patterns([*masks[1:], *copies])), masks[0])


@given(MASKS, st.randoms(use_true_random=False))
def test_the_order_of_the_raters_is_the_order_of_their_weights(masks: NDArray[np.bool_], random) -> None:
    order = random.sample(range(len(masks)), len(masks))
    found, moved = estimate(masks), estimate(masks[order])
    np.testing.assert_allclose(moved.sensitivity, found.sensitivity[order], atol=1e-6)
    np.testing.assert_allclose(moved.specificity, found.specificity[order], atol=1e-6)
    np.testing.assert_allclose(moved.probability, found.probability, atol=1e-6)


@given(MASKS, st.integers(2, 4))
def test_an_image_that_is_repeated_has_the_same_weights(masks: NDArray[np.bool_], times: int) -> None:
    found, repeated = estimate(masks), estimate(np.repeat(masks, times, axis=-1))
    np.testing.assert_allclose(repeated.sensitivity, found.sensitivity, atol=1e-6)
    np.testing.assert_allclose(repeated.specificity, found.specificity, atol=1e-6)
    np.testing.assert_allclose(repeated.prior, found.prior, atol=1e-12)


@given(MASKS)
def test_exchanging_foreground_and_background_exchanges_the_rates(masks: NDArray[np.bool_]) -> None:
    found, inverted = estimate(masks), estimate(~masks)
    np.testing.assert_allclose(inverted.sensitivity, found.specificity, atol=1e-6)
    np.testing.assert_allclose(inverted.specificity, found.sensitivity, atol=1e-6)
    np.testing.assert_allclose(inverted.probability, 1 - found.probability, atol=1e-6)


@given(MASKS)
def test_probabilities_and_rates_lie_between_0_and_1(masks: NDArray[np.bool_]) -> None:
    found = estimate(masks)
    assert found.probability.shape == masks.shape[1:]
    assert ((found.pattern_probability >= 0) & (found.pattern_probability <= 1)).all()
    if masks.any() and not masks.all():
        for rates in (found.sensitivity, found.specificity):
            assert ((rates >= 0) & (rates <= 1 + 1e-12)).all()
