import numpy as np
import pandas as pd
import pytest
from report_builders import build_inputs

from overread.errors import InputError
from overread.evaluation.results import COMPARISON_COLUMNS
from overread.questions.rater_bias.page.load_contrast import contrast_loads
from overread.questions.rater_bias.page.per_case import (
    check_comparisons,
    collect_case_dice,
    collect_loads,
    compute_mean_gaps,
    compute_source_agreement,
)


def table(*rows):
    """Rows of prediction, reference, case, Dice, load of the prediction, load of the reference."""
    return pd.DataFrame(
        [(p, r, case, case, dice, dice, 0.0, 0.0, load, other) for p, r, case, dice, load, other in rows],
        columns=list(COMPARISON_COLUMNS),
    )


@pytest.fixture
def comparisons():
    return table(
        ("ann", "ben", "c0", 0.6, 1.0, 4.0),
        ("network-ann", "ann", "c0", 0.9, 2.0, 1.0),
        ("network-ann", "ben", "c0", 0.5, 2.0, 4.0),
        ("network-ann", "ann", "c1", 0.8, 3.0, 5.0),
        ("network-ben", "ann", "c0", 0.4, 8.0, 1.0),
        ("network-ben", "ben", "c0", 0.6, 8.0, 4.0),
    )


def test_own_and_other_dice_are_paired_by_case(comparisons):
    dice = collect_case_dice(comparisons, ("ann", "ben"))
    assert (dice["ann"]["c0"].same, dice["ann"]["c0"].cross) == (0.9, 0.5)
    assert (dice["ann"]["c1"].same, dice["ann"]["c1"].cross) == (0.8, None)
    assert (dice["ben"]["c0"].same, dice["ben"]["c0"].cross) == (0.6, 0.4)


def test_the_gap_of_a_case_is_the_mean_over_networks_and_needs_both_kinds(comparisons):
    # c0: (0.9 - 0.5 + 0.6 - 0.4) / 2 = 0.3; c1 has no other source.
    assert compute_mean_gaps(collect_case_dice(comparisons, ("ann", "ben"))) == {"c0": pytest.approx(0.3)}


def test_dice_with_several_other_sources_is_averaged():
    comparisons = table(
        ("network-a", "a", "c0", 0.9, 1, 1), ("network-a", "b", "c0", 0.5, 1, 1), ("network-a", "c", "c0", 0.7, 1, 1)
    )
    assert collect_case_dice(comparisons, ("a", "b", "c"))["a"]["c0"].cross == pytest.approx(0.6)


def test_loads_are_found_in_either_role(comparisons):
    loads = collect_loads(comparisons)
    assert loads["ann"] == {"c0": 1.0, "c1": 5.0}
    assert loads["ben"] == {"c0": 4.0}
    assert loads["network-ben"] == {"c0": 8.0}


def test_mean_absolute_differences_are_taken_over_cases_with_all_four_loads(tmp_path, comparisons):
    pair = build_inputs(tmp_path).evaluation.pairs[0]
    contrast = contrast_loads([pair], collect_loads(comparisons))[0]
    # Only c0 has all four: sources |4 - 1| = 3, networks |8 - 2| = 6.
    assert (contrast.source_difference, contrast.network_difference) == (3.0, 6.0)
    assert contrast.pair == pair


def test_agreement_of_sources_leaves_networks_out(comparisons):
    assert compute_source_agreement(comparisons, ("ann", "ben")) == {"c0": 0.6}


def test_agreement_of_a_single_source_is_that_with_its_network(comparisons):
    assert compute_source_agreement(comparisons, ("ann",)) == {"c0": 0.9, "c1": 0.8}


def test_missing_values_are_left_out():
    comparisons = table(("network-a", "a", "c0", np.nan, np.nan, 2.0))
    assert collect_case_dice(comparisons, ("a",)) == {"a": {}}
    assert collect_loads(comparisons) == {"a": {"c0": 2.0}}


def test_a_table_without_a_column_is_refused(tmp_path, comparisons):
    evaluation = build_inputs(tmp_path).evaluation
    with pytest.raises(InputError, match="none named dice"):
        check_comparisons(comparisons.drop(columns="dice"), evaluation)


def test_case_ids_that_were_read_as_numbers_are_refused_with_a_hint(tmp_path, comparisons):
    evaluation = build_inputs(tmp_path).evaluation
    with pytest.raises(InputError, match="with case_id as text"):
        check_comparisons(comparisons.assign(case_id=7), evaluation)
