"""Disagreement of segmentation sources, by hand."""

import numpy as np
import pytest

from overread.errors import InputError
from overread.questions.crowd_disagreement.case_features import label_cases
from overread.questions.crowd_disagreement.source_disagreement import measure_source_disagreement, summarise_loads
from overread.study.outcomes import Outcome

# Bars of voxels of 1 × 2 × 5 mm: 0.01 ml each.
LENGTHS = {
    "ann": {"a-1": 2, "b-1": 3, "c-1": 4, "d-1": 0, "e-1": 1},
    "ben": {"a-1": 4, "b-1": 3, "c-1": 5, "d-1": 2},
}
CASES = ("a-1", "b-1", "c-1", "d-1", "e-1")


@pytest.fixture
def features(make_study):
    return measure_source_disagreement(make_study(LENGTHS, CASES), ("ann", "ben"))


def test_each_pair_has_dice_and_boundary_distance_and_each_case_its_loads(features):
    assert features.columns == (
        "Dice of ann and ben",
        "Boundary distance of ann and ben (mm)",
        "Spread of loads (ml)",
        "Relative spread of loads",
        "Log of the mean load (ml)",
    )
    # a: 2 of 2 and 4 voxels in common; the last two of ben lie 1 and 2 mm from ann, (0 + 0 + 0 + 0 + 1 + 2) / 6.
    spread = 0.02 / 2**0.5
    assert features.values[0] == pytest.approx([4 / 6, 0.5, spread, spread / 0.03, np.log(0.03)])
    assert features.values[1] == pytest.approx([1, 0, 0, 0, np.log(0.03)])


def test_an_empty_mask_beside_a_drawn_one_is_infinitely_far_and_leaves_the_case_out(features):
    assert np.isinf(features.values[3, 1])
    assert np.isnan(features.values[4]).all()
    outcome = Outcome("x", "0", "1", {case: case in ("a-1", "d-1") for case in CASES})
    with pytest.raises(InputError, match=r"of both classes, .* got 2 and 1; .*Hint: 2 cases were left out"):
        label_cases(features, outcome)


def test_both_masks_empty_agree():
    np.testing.assert_array_equal(summarise_loads(np.zeros((1, 2))), [[0, 0, 0]])


def test_nothing_counts_as_half_the_smallest_load_and_nothing_known_as_unknown():
    sizes = summarise_loads(np.array([[0.0, 0], [2, 6], [8, 8], [np.nan, 1]]))[:, 2]
    np.testing.assert_allclose(sizes, np.log([2, 4, 8, np.nan]))


def test_consensus_is_size_and_disagreement_everything_else_freed_of_it(features):
    values = features.values[:3]
    np.testing.assert_array_equal(features.find_set("consensus").derive(values), values[:, 4:])
    np.testing.assert_array_equal(features.find_set("disagreement").derive(values), values[:, :4])
    np.testing.assert_array_equal(features.find_set("combined").derive(values), values)
    freed = {one.key: one.freed_of for one in features.sets}
    assert [key for key, place in freed.items() if place is None] == ["consensus", "disagreement_measured"]
    assert {place for place in freed.values() if place is not None} == {4}
    assert [one.key for one in features.sets if one.is_disagreement] == [
        "disagreement",
        "dice",
        "distance",
        "load_spread",
    ]


def test_every_spread_grows_with_disagreement(features):
    spreads = features.compute_spreads(features.values[:3])
    assert spreads[0] == pytest.approx([1 / 3, 0.5, 0.02 / 2**0.5, 0.02 / 2**0.5 / 0.03])
    assert (spreads[0] > spreads[1]).all()


def test_one_source_cannot_disagree(make_study):
    with pytest.raises(InputError, match="at least two sources, got ann"):
        measure_source_disagreement(make_study(LENGTHS, CASES), ("ann",))
