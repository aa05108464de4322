import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError
from overread.evaluation.results import COMPARISON_COLUMNS, Interval
from overread.evaluation.significance import compute_paired_p
from overread.questions.rater_bias.mixing import summarise_mixing
from overread.questions.rater_bias.mixing_results import (
    MIXING_COLUMNS,
    SECOND_NETWORK_COLUMNS,
    MixingEvaluation,
    find_sign,
)

CASES = ("a-1", "a-2", "b-1", "c-1")
SUBJECTS = dict(zip(CASES, ("a", "a", "b", "c"), strict=True))
COUNTS = {0.0: (0, 0, 0, 0), 0.5: (2, 2, 3, 3), 1.0: (5, 5, 6, 6)}
DICE = {
    (0.0, "ann"): (0.80, 0.80, 0.80, 0.80),
    (0.0, "ben"): (0.60, 0.60, 0.60, 0.60),
    (0.5, "ann"): (0.80, 0.79, 0.80, 0.81),
    (0.5, "ben"): (0.62, 0.62, 0.63, 0.61),
    (1.0, "ann"): (0.78, 0.76, 0.78, 0.80),
    (1.0, "ben"): (0.64, 0.66, 0.64, 0.62),
}
SECOND = {"ann": (0.62, 0.60, 0.61, 0.61), "ben": (0.79, 0.81, 0.80, 0.84)}


def build_frame(dice=DICE, cases=CASES):
    rows = [
        (ratio, COUNTS[ratio][place], reference, case_id, SUBJECTS[case_id], values[place])
        for (ratio, reference), values in dice.items()
        for place, case_id in enumerate(cases)
        if values[place] is not None
    ]
    return pd.DataFrame(rows, columns=list(MIXING_COLUMNS))


def build_second(dice=SECOND):
    rows = [
        (name, case, SUBJECTS[case], value)
        for name, values in dice.items()
        for case, value in zip(CASES, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(SECOND_NETWORK_COLUMNS))


def summarise(frame=None, references=("ann", "ben"), **options):
    return summarise_mixing(
        build_frame() if frame is None else frame, first="ann", second="ben", references=references, **options
    )


@pytest.fixture(scope="module")
def found():
    return summarise(second_network=build_second())


def find(evaluation, ratio, reference):
    network = next(network for network in evaluation.networks if network.ratio == ratio)
    return next(one for one in network.dice if one.reference == reference)


def test_ratios_rise_from_the_plain_network_and_carry_the_counts_of_their_folds(found):
    assert [(network.ratio, network.added_counts) for network in found.networks] == [
        (0.0, (0, 0)),
        (0.5, (2, 3)),
        (1.0, (5, 6)),
    ]
    assert found.available_counts == (5, 6)
    assert found.subject_count == 3


def test_the_number_of_available_labels_is_unknown_without_ratio_1():
    frame = build_frame()
    assert summarise(frame[frame["ratio"] < 1]).available_counts is None


def test_means_and_changes_are_taken_over_cases(found):
    assert find(found, 0.5, "ben").mean.estimate == pytest.approx((0.62 + 0.62 + 0.63 + 0.61) / 4)
    assert find(found, 1.0, "ann").change.estimate == pytest.approx((-0.02 - 0.04 - 0.02 + 0) / 4)
    assert find(found, 1.0, "ben").change.estimate == pytest.approx((0.04 + 0.06 + 0.04 + 0.02) / 4)
    assert find(found, 1.0, "ben").case_count == find(found, 1.0, "ben").change_case_count == 4


def test_the_plain_network_has_no_change_against_itself(found):
    plain = find(found, 0.0, "ben")
    assert (plain.change, plain.change_case_count, plain.paired_p, plain.paired_p_holm) == (None, 0, None, None)


def test_the_shift_is_the_change_of_the_second_source_minus_that_of_the_first(found):
    # Per case: 0.04 + 0.02, 0.06 + 0.04, 0.04 + 0.02, 0.02 - 0.
    shift = found.shift
    assert shift.difference.estimate == pytest.approx((0.06 + 0.10 + 0.06 + 0.02) / 4)
    assert shift.difference.estimate == pytest.approx(shift.second_change.estimate - shift.first_change.estimate)
    assert shift.case_count == 4
    assert shift.outcome == "towards"


def test_the_interval_of_the_shift_draws_subjects_with_all_their_cases(found):
    # Subjects' means 0.08 (two cases), 0.06 and 0.02: the same subject three times over has a chance of 1/27 > 2.5 %.
    assert found.shift.difference.low == pytest.approx(0.02)
    assert found.shift.difference.high == pytest.approx(0.08)


def test_paired_tests_are_corrected_for_all_ratios_and_references(found):
    tests = [one for network in found.networks[1:] for one in network.dice]
    expected = compute_paired_p(DICE[0.0, "ben"], DICE[1.0, "ben"])
    assert find(found, 1.0, "ben").paired_p == pytest.approx(expected)
    smallest = min(tests, key=lambda one: one.paired_p)
    assert smallest.paired_p_holm == pytest.approx(4 * smallest.paired_p)


def test_the_network_of_the_second_source_is_compared_with_the_plain_one(found):
    with_ann, with_ben = found.second_network
    assert with_ann.change.estimate == pytest.approx(0.61 - 0.80)
    assert with_ben.mean.estimate == pytest.approx(0.81)
    assert found.full_shift.difference.estimate == pytest.approx((0.81 - 0.60) - (0.61 - 0.80))
    assert find(summarise(), 1.0, "ben") == find(found, 1.0, "ben")


def test_rows_of_a_cross_evaluation_serve_as_the_network_of_the_second_source(found):
    rows = build_second().assign(prediction="network-ben", prediction_load=1.0)
    other = rows.iloc[:1].assign(reference="network-cid")
    table = pd.concat([rows, other, other]).reindex(columns=list(COMPARISON_COLUMNS))
    assert summarise(second_network=table) == found


def test_without_the_network_of_the_second_source_its_numbers_are_absent():
    evaluation = summarise()
    assert (evaluation.second_network, evaluation.full_shift) == (None, None)


def test_a_mean_has_all_its_cases_and_a_change_only_the_common_ones():
    frame = build_frame({**DICE, (1.0, "ben"): (0.64, 0.66, None, 0.62), (0.0, "ben"): (None, 0.60, 0.60, 0.60)})
    evaluation = summarise(frame)
    top = find(evaluation, 1.0, "ben")
    assert (top.case_count, top.change_case_count) == (3, 2)
    assert top.mean.estimate == pytest.approx((0.64 + 0.66 + 0.62) / 3)
    assert top.change.estimate == pytest.approx((0.06 + 0.02) / 2)
    # Only a-2 and c-1 have all four: 0.06 + 0.04 and 0.02 - 0.
    assert evaluation.shift.case_count == 2
    assert evaluation.shift.difference.estimate == pytest.approx((0.10 + 0.02) / 2)


def test_a_reference_without_a_case_has_no_mean():
    evaluation = summarise(references=("ann", "ben", "cid"))
    assert (find(evaluation, 1.0, "cid").mean, find(evaluation, 1.0, "cid").case_count) == (None, 0)


def test_without_a_case_of_both_sources_there_is_no_shift():
    frame = build_frame()
    of_both = (frame["reference"] == "ann") == (frame["subject_id"] == "a")
    assert summarise(frame[of_both]).shift is None


def test_a_single_subject_leaves_the_outcome_undecided():
    frame = build_frame()
    shift = summarise(frame[frame["subject_id"] == "a"]).shift
    assert shift.difference.estimate == pytest.approx(0.08)
    assert math.isnan(shift.difference.low)
    assert shift.outcome == "undecided"


def test_exchanging_the_sources_turns_the_outcome_round():
    mirrored = summarise_mixing(build_frame(), first="ben", second="ann", references=("ann", "ben"))
    assert mirrored.shift.difference.estimate == pytest.approx(-0.06)
    assert mirrored.shift.outcome == "away"


@settings(max_examples=12, deadline=None)
@given(gain=st.floats(0, 0.19), start=st.lists(st.floats(0, 0.8), min_size=4, max_size=4))
def test_a_gain_with_both_sources_alike_is_no_shift(gain, start):
    plain = dict.fromkeys(((0.0, "ann"), (0.0, "ben")), start)
    plain[0.0, "ben"] = start[::-1]
    mixed = {(1.0, name): [value + gain for value in values] for (_, name), values in plain.items()}
    shift = summarise(build_frame({**plain, **mixed})).shift
    assert shift.difference.estimate == pytest.approx(0, abs=1e-12)
    assert shift.outcome == "undecided"


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(24)))
def test_the_order_of_rows_is_irrelevant(found, order):
    assert summarise(build_frame().iloc[order], second_network=build_second()) == found


def test_the_sign_of_an_interval_ignores_rounding_and_unknown_bounds():
    bounds = ((0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1), (1e-16, 2e-16), (math.nan, math.nan))
    assert [find_sign(Interval(estimate=0.0, low=low, high=high)) for low, high in bounds] == [1, -1, 0, 0, 0]


def test_the_result_survives_json():
    frame = build_frame()
    for evaluation in (summarise(second_network=build_second()), summarise(frame[frame["subject_id"] == "b"])):
        text = evaluation.model_dump_json()
        assert MixingEvaluation.model_validate_json(text).model_dump_json() == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratio": 0.0}, "ratios must lie in .*, 0 and a larger one among them, got 0.0"),
        ({"ratio": 0.5}, "0 and a larger one among them, got 0.5"),
        ({"added_count": 0}, "labels must have been added at every ratio but 0"),
        ({"dice": 1.5}, r"each Dice must lie in \[0, 1\], got 1.5"),
        ({"dice": math.nan}, r"each Dice must lie in \[0, 1\], got nan"),
        ({"case_id": "a-1"}, "held out once per ratio and reference, got twice 0.0, ann, a-1"),
        ({"reference": "cid"}, "a reference of the table must be one of the evaluation, got 'cid'.*ann, ben"),
    ],
)
def test_a_table_that_breaks_a_rule_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        summarise(build_frame().assign(**change))


def test_a_missing_column_is_named():
    with pytest.raises(InputError, match="all its columns, got none named added_count"):
        summarise(build_frame().drop(columns="added_count"))
    with pytest.raises(InputError, match="all its columns, got none named subject_id"):
        summarise(second_network=build_second().drop(columns="subject_id"))


def test_a_case_that_the_second_network_holds_out_twice_is_refused():
    second = build_second()
    with pytest.raises(InputError, match="held out once per reference, got twice ben, c-1"):
        summarise(second_network=pd.concat([second, second.iloc[-1:]]))


def test_a_case_of_two_subjects_is_refused():
    with pytest.raises(InputError, match="a case must belong to one subject, got several of case 'a-1'"):
        summarise(second_network=build_second().assign(subject_id="z"))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [("ann", "ann", "two different sources must be mixed"), ("ann", "cid", "among the references, got none named cid")],
)
def test_sources_that_cannot_be_mixed_are_refused(first, second, message):
    with pytest.raises(InputError, match=message):
        summarise_mixing(build_frame(), first=first, second=second, references=("ann", "ben"))
