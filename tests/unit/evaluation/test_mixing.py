import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from overread.errors import InputError
from overread.evaluation.skill import Skill
from overread.questions.rater_bias.mixing import summarise_mixing
from overread.questions.rater_bias.mixing_results import MIXING_COLUMNS, SECOND_NETWORK_COLUMNS, MixingEvaluation

CASES = ("a-1", "a-2", "b-1", "c-1", "d-1", "e-1", "f-1")
SUBJECTS = {case_id: case_id[0] for case_id in CASES}
FOLDS = dict(zip("abcdef", (0, 0, 1, 1, 2, 2), strict=True))
COUNTS = {0.0: (0, 0, 0), 0.5: (2, 3, 3), 1.0: (5, 6, 6)}
DICE = {
    (0.0, "ann"): (0.80,) * 7,
    (0.0, "ben"): (0.60,) * 7,
    (0.5, "ann"): (0.80, 0.79, 0.80, 0.80, 0.80, 0.80, 0.81),
    (0.5, "ben"): (0.62, 0.62, 0.63, 0.61, 0.61, 0.61, 0.61),
    (1.0, "ann"): (0.78, 0.76, 0.78, 0.78, 0.77, 0.78, 0.80),
    (1.0, "ben"): (0.64, 0.66, 0.64, 0.63, 0.64, 0.62, 0.66),
}
"""Shift from 0 to 1: cases .06 .10 .06 .05 .07 .04 .06; subjects .08 .06 .05 .07 .04 .06; folds .07 .06 .05."""
SECOND = {"ann": (0.62, 0.60, 0.61, 0.61, 0.61, 0.61, 0.61), "ben": (0.79, 0.81, 0.80, 0.82, 0.82, 0.81, 0.81)}


def build_frame(dice=DICE, repeat=0, lift=0.0):
    """Rows of one repeat; `lift` is added to Dice with ben of the mixed networks."""
    rows = [
        (
            ratio,
            COUNTS[ratio][FOLDS[SUBJECTS[case_id]]],
            reference,
            case_id,
            SUBJECTS[case_id],
            FOLDS[SUBJECTS[case_id]],
            repeat,
            value + lift * (ratio > 0 and reference == "ben"),
        )
        for (ratio, reference), values in dice.items()
        for case_id, value in zip(CASES, values, strict=True)
        if value is not None
    ]
    return pd.DataFrame(rows, columns=list(MIXING_COLUMNS))


def build_second(dice=SECOND):
    rows = [
        (name, case, SUBJECTS[case], FOLDS[SUBJECTS[case]], 0, value)
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
    assert (found.subject_count, found.training_count) == (6, 12)


def test_the_number_of_available_labels_is_unknown_without_ratio_1():
    frame = build_frame()
    assert summarise(frame[frame["ratio"] < 1]).available_counts is None


def test_every_subject_counts_once_however_many_cases_it_has(found):
    assert find(found, 1.0, "ann").change.estimate == pytest.approx((-0.03 - 0.02 - 0.02 - 0.03 - 0.02 + 0) / 6)
    assert find(found, 0.5, "ben").mean.estimate == pytest.approx((0.62 + 0.63 + 0.61 * 4) / 6)
    assert find(found, 1.0, "ben").case_count == find(found, 1.0, "ben").change_case_count == 7


def test_the_plain_network_has_no_change_against_itself(found):
    plain = find(found, 0.0, "ben")
    assert (plain.change, plain.change_case_count, plain.corrected_p) == (None, 0, None)


def test_the_shift_is_the_change_of_the_second_source_minus_that_of_the_first(found):
    shift = found.shift
    assert shift.difference.estimate == pytest.approx(0.06)
    assert shift.difference.estimate == pytest.approx(shift.second_change.estimate - shift.first_change.estimate)
    assert (shift.case_count, shift.difference.subject_count) == (7, 6)


def test_where_every_network_was_trained_once_the_folds_give_the_interval(found):
    """Folds .07, .06 and .05: standard error .01 · √(1/3 + 1/2), 2 degrees of freedom."""
    half = 4.302653 * 0.01 * math.sqrt(1 / 3 + 1 / 2)
    difference = found.shift.difference
    assert (difference.low, difference.high) == pytest.approx((0.06 - half, 0.06 + half), abs=1e-6)
    assert found.verdict == "yes"


def test_no_bound_of_a_mean_is_a_dice_that_cannot_be():
    """Folds of Dice with ann .1, .5 and .9 give t bounds far outside [0, 1]."""
    spread = {**DICE, (1.0, "ann"): (0.1, 0.1, 0.1, 0.5, 0.5, 0.9, 0.9)}
    mean = find(summarise(build_frame(spread)), 1.0, "ann").mean
    assert (mean.low, mean.high) == (0, 1)


def test_repeats_show_the_luck_of_training_which_is_in_the_interval():
    """The second repeat of the mixed networks is better with ben by .02, in every fold.

    Subjects: variance .001 / 5, over 6 subjects 1/30000. Runs: variance .0002 in each fold, over 3 · 2 trainings
    1/30000, with 3 degrees of freedom. Folds differ by no more than their subjects explain.
    """
    difference = summarise(pd.concat([build_frame(), build_frame(repeat=1, lift=0.02)])).shift.difference
    assert difference.estimate == pytest.approx(0.07)
    assert difference.standard_error == pytest.approx(math.sqrt(2 / 30000))
    assert difference.degrees_of_freedom == pytest.approx(4 / (1 / 5 + 1 / 3))
    assert (difference.repeat_count, difference.run_std) == (2, pytest.approx(math.sqrt(0.0002)))


def test_changes_are_corrected_for_all_ratios_and_references(found):
    tests = [one for network in found.networks[1:] for one in network.dice]
    assert len(tests) == 4
    smallest = min(tests, key=lambda one: one.change.p_value)
    assert smallest.corrected_p == pytest.approx(4 * smallest.change.p_value)
    largest = max(tests, key=lambda one: one.change.p_value)
    assert largest.corrected_p >= largest.change.p_value


def test_a_change_that_only_its_uncorrected_interval_shows_is_not_told(found):
    """Folds of the change with ben: .045, .035 and .04; t = .04 / (.005 · √(5/6)) = 8.76, p = .013, after Holm .051."""
    one = find(found, 1.0, "ben")
    assert one.change.p_value == pytest.approx(2 * stats.t.sf(0.04 / (0.005 * math.sqrt(5 / 6)), 2))
    assert one.change.excludes_zero
    assert one.corrected_p > 0.05
    assert found.judge_change(one) == "cannot tell"
    assert found.judge_change(one.model_copy(update={"corrected_p": 0.05})) == "yes"
    assert found.judge_change(find(found, 0.5, "ann")) == "no difference that matters"


def test_the_network_of_the_second_source_is_compared_with_the_plain_one(found):
    with_ann, with_ben = found.second_network
    assert with_ann.change.estimate == pytest.approx(0.61 - 0.80)
    assert with_ben.mean.estimate == pytest.approx((0.80 + 0.80 + 0.82 + 0.82 + 0.81 + 0.81) / 6)
    assert found.full_shift.difference.estimate == pytest.approx((0.81 - 0.60) - (0.61 - 0.80))
    assert find(summarise(), 1.0, "ben") == find(found, 1.0, "ben")


def test_rows_of_other_references_are_no_part_of_the_second_network(found):
    rows = build_second()
    other = rows.iloc[:1].assign(reference="cid")
    assert summarise(second_network=pd.concat([rows, other, other])) == found


def test_without_the_network_of_the_second_source_its_numbers_are_absent():
    evaluation = summarise()
    assert (evaluation.second_network, evaluation.full_shift) == (None, None)
    assert evaluation.training_count == 9


def test_a_mean_has_all_its_cases_and_a_change_only_the_common_ones():
    some = {
        (1.0, "ben"): (0.64, 0.66, None, 0.63, 0.64, 0.62, 0.66),
        (0.0, "ben"): (None, 0.60, 0.60, 0.60, 0.60, 0.60, 0.60),
    }
    evaluation = summarise(build_frame({**DICE, **some}))
    top = find(evaluation, 1.0, "ben")
    assert (top.case_count, top.change_case_count) == (6, 5)
    # All but a-1 and b-1 have both: a .06, c .03, d .04, e .02, f .06; five subjects, too few for an interval.
    assert top.change.estimate == pytest.approx((0.06 + 0.03 + 0.04 + 0.02 + 0.06) / 5)
    assert top.change.obstacle == "few subjects"
    assert evaluation.shift.case_count == 5
    assert evaluation.shift.difference.estimate == pytest.approx((0.10 + 0.05 + 0.07 + 0.04 + 0.06) / 5)
    assert evaluation.verdict == "cannot tell"


def test_a_reference_without_a_case_has_no_mean():
    evaluation = summarise(references=("ann", "ben", "cid"))
    assert (find(evaluation, 1.0, "cid").mean, find(evaluation, 1.0, "cid").case_count) == (None, 0)
    assert evaluation.judge_change(find(evaluation, 1.0, "cid")) == "cannot tell"


def test_without_a_case_of_both_sources_there_is_no_shift():
    frame = build_frame()
    of_both = (frame["reference"] == "ann") == (frame["subject_id"] == "a")
    evaluation = summarise(frame[of_both])
    assert (evaluation.shift, evaluation.verdict) == (None, "cannot tell")


def test_exchanging_the_sources_turns_the_verdict_round():
    mirrored = summarise_mixing(build_frame(), first="ben", second="ann", references=("ann", "ben"))
    assert mirrored.shift.difference.estimate == pytest.approx(-0.06)
    assert mirrored.verdict == "the wrong way round"


def test_networks_that_learnt_too_little_give_no_verdict():
    learnt = Skill(own=0.8, guess=0.3, raters=0.9)
    skills = {"ann": learnt, "ben": Skill(own=0.31, guess=0.3, raters=0.9)}
    assert summarise(skills={"ann": learnt, "ben": learnt}).verdict == "yes"
    evaluation = summarise(skills=skills)
    assert evaluation.verdict == "learnt too little"
    assert evaluation.judge_change(find(evaluation, 0.5, "ann")) == "learnt too little"


def test_what_matters_is_a_choice():
    assert summarise(matters=0.1).verdict == "no difference that matters"


@settings(max_examples=12, deadline=None)
@given(gain=st.floats(0, 0.19), start=st.lists(st.floats(0, 0.8), min_size=7, max_size=7))
def test_a_gain_with_both_sources_alike_is_no_shift(gain, start):
    plain = {(0.0, "ann"): start, (0.0, "ben"): start[::-1]}
    mixed = {(1.0, name): [value + gain for value in values] for (_, name), values in plain.items()}
    evaluation = summarise(build_frame({**plain, **mixed}))
    assert evaluation.shift.difference.estimate == pytest.approx(0, abs=1e-12)
    assert evaluation.verdict == "no difference that matters"


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(42)))
def test_the_order_of_rows_is_irrelevant(found, order):
    assert summarise(build_frame().iloc[order], second_network=build_second()) == found


def test_the_result_survives_json():
    frame = build_frame()
    for evaluation in (summarise(second_network=build_second()), summarise(frame[frame["subject_id"] == "b"])):
        text = evaluation.model_dump_json()
        assert MixingEvaluation.model_validate_json(text).model_dump_json() == text


SUBJECT_COUNT, REPEATS, TRIALS = 18, 2, 100


def draw_study(generator):
    """A study without a shift: 3 folds of 6 subjects and 2 repeats, each training with a luck of its own (.02)."""
    subjects = np.arange(SUBJECT_COUNT)
    skill = generator.normal(0, 0.05, (2, SUBJECT_COUNT))
    rows = []
    for ratio in (0.0, 1.0):
        luck = generator.normal(0, 0.02, (2, 3, REPEATS))
        case = skill + generator.normal(0, 0.02, (2, SUBJECT_COUNT))
        for place, reference in enumerate(("ann", "ben")):
            for repeat in range(REPEATS):
                dice = 0.7 + case[place] + luck[place, subjects % 3, repeat]
                dice += generator.normal(0, 0.01, SUBJECT_COUNT)
                rows += [
                    (ratio, int(10 * ratio), reference, f"c{i}", f"s{i}", i % 3, repeat, value)
                    for i, value in enumerate(dice)
                ]
    return pd.DataFrame(rows, columns=list(MIXING_COLUMNS))


def test_a_move_is_told_falsely_no_more_often_than_claimed():
    """Nominal 5 %; a t interval over subjects, which leaves out the luck of training, errs in far more studies."""
    generator, told, naive = np.random.default_rng(4), 0, 0
    for _ in range(TRIALS):
        frame = draw_study(generator)
        told += summarise(frame).verdict in ("yes", "the wrong way round")
        means = frame.groupby(["ratio", "reference", "subject_id"])["dice"].mean()
        shift = (means[1.0]["ben"] - means[0.0]["ben"]) - (means[1.0]["ann"] - means[0.0]["ann"])
        naive += stats.ttest_1samp(shift, 0).pvalue < 0.05
    assert told / TRIALS <= 0.07
    assert naive / TRIALS > 0.12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratio": 0.0}, "ratios must lie in .*, 0 and a larger one among them, got 0.0"),
        ({"ratio": 0.5}, "0 and a larger one among them, got 0.5"),
        ({"added_count": 0}, "labels must have been added at every ratio but 0"),
        ({"dice": 1.5}, r"each Dice must lie in \[0, 1\], got 1.5"),
        ({"dice": math.nan}, r"each Dice must lie in \[0, 1\], got nan"),
        ({"case_id": "a-1"}, "held out once per ratio, reference and repeat, got twice 0.0, ann, 0, a-1"),
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
    with pytest.raises(InputError, match="held out once per reference and repeat, got twice ben, 0, f-1"):
        summarise(second_network=pd.concat([second, second.iloc[-1:]]))


def test_a_case_of_two_subjects_is_refused():
    with pytest.raises(InputError, match="a case must belong to one subject, got several of case 'a-1'"):
        summarise(second_network=build_second().assign(subject_id="z"))


def test_a_case_of_two_folds_is_refused():
    with pytest.raises(InputError, match="a case must belong to one fold, got several of case 'a-1'"):
        summarise(second_network=build_second().assign(fold=5))


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [("ann", "ann", "two different sources must be mixed"), ("ann", "cid", "among the references, got none named cid")],
)
def test_sources_that_cannot_be_mixed_are_refused(first, second, message):
    with pytest.raises(InputError, match=message):
        summarise_mixing(build_frame(), first=first, second=second, references=("ann", "ben"))
