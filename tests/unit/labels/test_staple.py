"""STAPLE: values derived by hand, and those of SimpleITK."""

from collections.abc import Sequence

import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from overread.errors import InputError, SettingsError
from overread.labels.consensus import vote_by_majority
from overread.labels.staple import StapleEstimate, StapleSettings, estimate_staple
from overread.labels.vote_patterns import VotePatterns, count_vote_patterns
from overread.types import Mask

SHAPE = (14, 17, 11)


def repeat_patterns(counts: dict[str, int]) -> VotePatterns:
    """Votes on a row of voxels, from patterns such as 110 and how many voxels have each."""
    votes = np.array([[vote == "1" for vote in pattern] for pattern in counts])
    rows = np.repeat(votes, list(counts.values()), axis=0)
    return count_vote_patterns(rows.T)


def probability_of(estimate: StapleEstimate, pattern: str) -> float:
    wanted = np.array([vote == "1" for vote in pattern])
    (index,) = np.flatnonzero((estimate.patterns.votes == wanted).all(axis=1))
    return float(estimate.pattern_probability[index])


def draw_raters(seed: int, count: int, shape: tuple[int, ...] = SHAPE) -> list[Mask]:
    """Outlines of blobs by raters who see them through smooth noise of their own and draw at their own level."""
    generator = np.random.default_rng(seed)

    def draw_field(smoothness: float) -> NDArray[np.float64]:
        field = gaussian_filter(generator.standard_normal(shape), smoothness)
        return np.asarray(field / field.std())

    truth = draw_field(3)
    return [truth + generator.uniform(0.2, 0.6) * draw_field(1) > generator.uniform(0.6, 1.2) for _ in range(count)]


def draw_careless_raters(seed: int, count: int) -> list[Mask]:
    """Each voxel is labelled rightly by chance, and each rater has rates of their own."""
    generator = np.random.default_rng(seed)
    truth = generator.random(SHAPE) < 0.3
    rates = generator.uniform(0.6, 0.95, (count, 2))
    return [np.where(truth, generator.random(SHAPE) < p, generator.random(SHAPE) > q) for p, q in rates]


def run_simpleitk(masks: Sequence[Mask]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], int]:
    """Probability (*S), sensitivities, specificities and steps."""
    staple = SimpleITK.STAPLEImageFilter()
    staple.SetForegroundValue(1)
    image = staple.Execute([SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in masks])
    sensitivity, specificity = np.array(staple.GetSensitivity()), np.array(staple.GetSpecificity())
    return SimpleITK.GetArrayFromImage(image), sensitivity, specificity, staple.GetElapsedIterations() + 1


def assert_equals_simpleitk(masks: Sequence[Mask]) -> None:
    found = estimate_staple(count_vote_patterns(masks))
    probability, sensitivity, specificity, iterations = run_simpleitk(masks)
    assert found.is_converged
    assert found.iterations == iterations
    assert np.array_equal(found.mask, probability > 0.5)
    np.testing.assert_allclose(found.probability, probability, atol=1e-6)
    np.testing.assert_allclose(found.sensitivity, sensitivity, atol=1e-8)
    np.testing.assert_allclose(found.specificity, specificity, atol=1e-8)


@pytest.mark.parametrize("count", [3, 4, 5, 6, 7])
@pytest.mark.parametrize("draw", [draw_raters, draw_careless_raters])
def test_voxels_and_weights_are_those_of_simpleitk(draw, count):
    assert_equals_simpleitk(draw(count, count))


def test_many_raters_get_the_weights_of_simpleitk():
    assert_equals_simpleitk(draw_raters(0, 24))


def test_one_step_is_that_of_the_paper():
    """The votes 111, 110 and 000 start at 1, 2/3 and 0, which are 8/3 voxels of foreground and 16/3 of background.

    Then C has found 2 / (8/3) of the foreground, and A and B have left out 5 / (16/3) of the background. With a prior
    of 1/3, the odds of 110 are (1/3 · 1 · 1 · 1/4) / (2/3 · 1/16 · 1/16 · 1) = 32.
    """
    found = estimate_staple(repeat_patterns({"111": 2, "110": 1, "000": 5}), StapleSettings(iteration_limit=1))
    assert found.prior == pytest.approx(1 / 3)
    assert found.sensitivity == pytest.approx([1, 1, 3 / 4])
    assert found.specificity == pytest.approx([15 / 16, 15 / 16, 1])
    assert probability_of(found, "110") == pytest.approx(32 / 33)
    assert probability_of(found, "111") == pytest.approx(1)
    assert probability_of(found, "000") == pytest.approx(0)
    assert (found.iterations, found.is_converged) == (1, False)


def test_two_raters_of_whom_one_outlines_more_stay_even_and_the_smaller_mask_is_kept():
    """Where they differ the start, 1/2, is what follows from itself, up to rounding.

    There are 4 + 3/2 voxels of foreground and 10 + 3/2 of background.
    """
    found = estimate_staple(repeat_patterns({"00": 10, "10": 3, "11": 4}))
    assert found.sensitivity == pytest.approx([1, 4 / 5.5])
    assert found.specificity == pytest.approx([10 / 11.5, 1])
    assert probability_of(found, "10") == pytest.approx(0.5, abs=1e-12)
    assert found.mask.sum() == 4
    assert (found.iterations, found.is_converged) == (2, True)


def test_voxels_that_nobody_labels_stay_background_even_where_votes_tell_nothing():
    """Everyone labels 6 of 10 voxels, and where two agree the third does not: every voxel is foreground by 0.6."""
    found = estimate_staple(repeat_patterns({"000": 1, "011": 3, "101": 3, "110": 3}))
    assert found.pattern_probability == pytest.approx([0.6] * 4, abs=1e-5)
    assert found.sensitivity == pytest.approx([0.6] * 3, abs=1e-5)
    assert found.specificity == pytest.approx([0.4] * 3, abs=1e-5)
    assert found.mask.sum() == 9


def test_a_good_rater_outweighs_poor_ones():
    generator = np.random.default_rng(5)
    truth = generator.random(4000) < 0.2
    poor = [truth ^ (generator.random(4000) < 0.25) for _ in range(3)]
    patterns = count_vote_patterns([*poor, truth])
    found = estimate_staple(patterns)
    assert found.sensitivity.argmax() == found.specificity.argmax() == 3
    assert found.sensitivity[:3] == pytest.approx([0.75] * 3, abs=0.1)
    assert found.specificity[:3] == pytest.approx([0.75] * 3, abs=0.1)
    assert np.count_nonzero(found.mask ^ truth) < np.count_nonzero(vote_by_majority(patterns) ^ truth) / 2


def test_the_prior_is_the_mean_of_the_votes_and_falls_as_the_field_of_view_grows():
    counts = {"111": 6, "110": 3, "001": 3, "000": 12}
    assert estimate_staple(repeat_patterns(counts)).prior == pytest.approx(27 / 72)
    assert estimate_staple(repeat_patterns({**counts, "000": 1200})).prior == pytest.approx(27 / 3636)


@pytest.mark.parametrize(("label", "sensitivity", "specificity"), [(False, np.nan, 1.0), (True, 1.0, np.nan)])
def test_masks_that_are_all_empty_or_all_full_stay_so_and_the_rate_without_voxels_is_unknown(
    label, sensitivity, specificity
):
    found = estimate_staple(count_vote_patterns([np.full((3, 4), label)] * 3))
    assert (found.mask == label).all()
    assert (found.probability == label).all()
    np.testing.assert_array_equal(found.sensitivity, [sensitivity] * 3)
    np.testing.assert_array_equal(found.specificity, [specificity] * 3)
    assert (found.prior, found.iterations, found.is_converged) == (float(label), 0, True)


def test_a_rater_who_labels_nothing_has_no_sensitivity_and_does_not_harm():
    masks = draw_raters(1, 3)
    found = estimate_staple(count_vote_patterns([*masks, np.zeros(SHAPE, np.bool_)]))
    assert (found.sensitivity[3], found.specificity[3]) == (0, 1)
    assert found.mask.any()


def test_a_single_rater_is_taken_to_be_right():
    (mask,) = draw_raters(2, 1)
    found = estimate_staple(count_vote_patterns([mask]))
    assert np.array_equal(found.mask, mask)
    assert (found.sensitivity.tolist(), found.specificity.tolist()) == ([1.0], [1.0])


def test_an_estimation_that_is_cut_short_says_so():
    patterns = count_vote_patterns(draw_careless_raters(3, 5))
    whole = estimate_staple(patterns)
    cut = estimate_staple(patterns, StapleSettings(iteration_limit=whole.iterations - 1))
    assert (whole.is_converged, cut.is_converged) == (True, False)
    assert cut.iterations == whole.iterations - 1


def test_products_of_many_small_rates_do_not_vanish():
    """0.7 to the power of 3000 is no longer a floating point number."""
    generator = np.random.default_rng(6)
    truth = generator.random(40) < 0.4
    found = estimate_staple(count_vote_patterns(truth ^ (generator.random((3000, 40)) < 0.3)))
    assert np.array_equal(found.mask, truth)
    assert np.isfinite(found.pattern_probability).all()
    assert found.sensitivity.mean() == pytest.approx(0.7, abs=0.02)


def test_voxels_are_counted_beyond_the_whole_numbers_of_single_precision():
    background = 2**24 + 1
    first = np.zeros((background + 3, 1), np.bool_)
    first[:3] = True
    second = first.copy()
    second[2] = False
    patterns = count_vote_patterns([first, second, first])
    assert patterns.votes.tolist() == [[False] * 3, [True, False, True], [True] * 3]
    assert patterns.counts.tolist() == [background, 1, 2]
    found = estimate_staple(patterns)
    assert found.prior == pytest.approx((2 + 2 / 3) / (background + 3), rel=1e-15)
    assert np.array_equal(found.mask, first)


def test_patterns_are_counted_however_many_raters_there_are_and_however_masks_lie_in_memory():
    generator = np.random.default_rng(7)
    masks = generator.random((30, 9, 8, 7)) < 0.5
    masks[:, :4] = masks[:, 4:8]
    voted, counts = np.unique(masks.reshape(30, -1), axis=1, return_counts=True)
    for laid_out in (masks, [np.asfortranarray(mask) for mask in masks], [mask[::-1, :, ::-1] for mask in masks]):
        patterns = count_vote_patterns(laid_out)
        order = np.lexsort(patterns.votes.T[::-1])
        assert np.array_equal(patterns.votes[order], voted.T)
        assert np.array_equal(patterns.counts[order], counts)
        for rater, mask in enumerate(laid_out):
            assert np.array_equal(patterns.paint(patterns.votes[:, rater]), mask)


def test_a_table_of_patterns_that_grows_long_is_thinned_out():
    generator = np.random.default_rng(8)
    truth = generator.random(80_000) < 0.5
    masks = truth ^ (generator.random((19, 80_000)) < 0.01)
    patterns = count_vote_patterns(masks)
    assert len(patterns.votes) == len(np.unique(masks, axis=1).T) < 2**16
    assert np.array_equal(patterns.paint(patterns.votes[:, 18]), masks[18])


def test_masks_that_cannot_be_compared_are_refused():
    with pytest.raises(InputError, match=r"masks must have one shape, got \(2, 3\) and \(3, 2\)"):
        count_vote_patterns([np.zeros((2, 3), np.bool_), np.zeros((3, 2), np.bool_)])
    for nothing in ([], [np.zeros((0, 3), np.bool_)]):
        with pytest.raises(InputError, match="one or more masks that hold voxels"):
            count_vote_patterns(nothing)
    with pytest.raises(SettingsError, match="iteration_limit"):
        StapleSettings.parse({"iteration_limit": 0}, where="tests")
