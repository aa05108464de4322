"""Labels that are changed by what a network says, and left alone where that would change too much."""

import numpy as np
import pytest

from overread.errors import InputError
from overread.labels.relabel_rules.change import RuleCase
from overread.labels.relabelling import RelabelledCase, RelabelSettings, relabel_case
from overread.labels.uncertainty_threshold import choose_threshold
from tests.relabel_rules import flip


def relabel(
    mask: np.ndarray, uncertainty: np.ndarray, settings: RelabelSettings, probability: np.ndarray | None = None
) -> RelabelledCase:
    return relabel_case(RuleCase(mask, uncertainty, probability, (1.0, 1.0)), settings)


def make_block() -> np.ndarray:
    """A block of 4 × 4 voxels in 8 × 8."""
    mask = np.zeros((8, 8), np.bool_)
    mask[2:6, 2:6] = True
    return mask


def make_map(**values: tuple[slice | int, slice | int]) -> np.ndarray:
    """Uncertainty 0.2 at the given places, 0.05 elsewhere."""
    uncertainty = np.full((8, 8), 0.05, np.float32)
    for place in values.values():
        uncertainty[place] = 0.2
    return uncertainty


def test_uncertain_voxels_change_sides_and_the_others_stay():
    uncertainty = make_map(left=(slice(2, 6), 2), right=(slice(2, 6), 6))
    found = relabel(make_block(), uncertainty, flip())
    expected = np.zeros((8, 8), np.bool_)
    expected[2:6, 3:7] = True
    assert np.array_equal(found.mask, expected)
    assert (found.changed_count, found.changed_share, found.is_kept) == (8, 0.5, False)


def test_only_labels_that_the_mean_prediction_contradicts_change_sides_where_that_is_the_rule():
    uncertainty = make_map(left=(slice(2, 6), 2), right=(slice(2, 6), 6))
    probability = np.full((8, 8), 0.4, np.float32)
    settings = flip(which="contradicted")
    found = relabel(make_block(), uncertainty, settings, probability)
    expected = make_block()
    expected[2:6, 2] = False
    assert np.array_equal(found.mask, expected)
    with pytest.raises(InputError, match="needs a probability"):
        relabel(make_block(), uncertainty, settings)


def test_an_uncertainty_equal_to_the_threshold_changes_nothing():
    uncertainty = np.full((8, 8), 0.125, np.float32)
    assert np.array_equal(relabel(make_block(), uncertainty, flip(0.125)).mask, make_block())


def test_a_hole_that_flipping_leaves_is_filled():
    found = relabel(make_block(), make_map(inside=(3, 3)), flip())
    assert np.array_equal(found.mask, make_block())
    assert found.changed_count == 0


def test_a_hole_that_the_mask_had_stays_open():
    mask = make_block()
    mask[3, 3] = False
    found = relabel(mask, make_map(corner=(2, 2)), flip())
    assert not found.mask[3, 3]
    assert not found.mask[2, 2]


def test_a_case_that_would_change_too_much_keeps_its_mask():
    uncertainty = make_map(left=(slice(2, 6), 2), right=(slice(2, 6), 6), corner=(0, 0))
    found = relabel(make_block(), uncertainty, flip())
    assert found.is_kept
    assert (found.changed_count, found.changed_share) == (9, 9 / 16)
    assert np.array_equal(found.mask, make_block())


def test_an_empty_mask_that_would_gain_voxels_is_kept_empty():
    empty = np.zeros((8, 8), np.bool_)
    found = relabel(empty, make_map(spot=(4, 4)), flip(largest_change=100))
    assert found.is_kept
    assert not found.mask.any()
    assert relabel(empty, make_map(), flip()).changed_share == 0


def test_the_given_mask_is_not_written_to():
    mask = make_block()
    relabel(mask, make_map(left=(slice(2, 6), 2)), flip()).mask[:] = False
    assert np.array_equal(mask, make_block())


def test_shapes_and_values_must_fit():
    with pytest.raises(InputError, match="one shape"):
        relabel(make_block(), np.zeros((8, 7), np.float32), flip())
    with pytest.raises(InputError, match=r"must lie in \[0, 0.25\]"):
        relabel(make_block(), np.full((8, 8), 0.3, np.float32), flip())


def test_the_threshold_lies_midway_between_two_groups_of_uncertainties():
    maps = [np.array([0.0, 0.0005, 0.0505]), np.array([0.0505, 0.2005, 0.2005, 0.0])]
    # Between the bins of 0.0505 and 0.2005 every border separates equally well; the middle one is at 0.126.
    assert choose_threshold(values.astype(np.float32) for values in maps) == pytest.approx(0.126, abs=0.001)


def test_the_threshold_of_three_voxels_separates_the_odd_one():
    # Variance between {0.0105} and {0.1105, 0.1205}: 1·2·0.105²; between {0.0105, 0.1105} and {0.1205}: 2·1·0.06².
    found = choose_threshold([np.array([0.0105, 0.1105, 0.1205], np.float32)])
    assert 0.011 <= found <= 0.110


def test_uncertainties_that_do_not_differ_have_no_threshold():
    for values in ([0.0, 0.0], [0.2, 0.2]):
        with pytest.raises(InputError, match="must differ"):
            choose_threshold([np.array(values, np.float32)])
