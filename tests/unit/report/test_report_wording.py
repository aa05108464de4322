import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_builders import build_contrast, build_evaluation, build_study

from overread.evaluation.results import Interval
from overread.questions.rater_bias.page.load_contrast import compare_consistency, compare_size, judge_contrast
from overread.questions.rater_bias.page.wording import word_amplification, word_answer

NO_BREAK = "\u00a0"


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory):
    root = tmp_path_factory.mktemp("study") / "tiny"
    study = build_study(root, ("ann", "ben"), case_count=4, dimensions=2, target="lesion", kind="human")
    return build_evaluation(study, ("ann", "ben"))


def with_gap(evaluation, estimate, low, high, **changes):
    return evaluation.model_copy(update={"dice_gap": Interval(estimate=estimate, low=low, high=high), **changes})


def say(answer):
    return answer.sentence.replace(NO_BREAK, " ")


def test_an_interval_above_zero_is_a_yes_with_its_numbers(evaluation):
    answer = word_answer(evaluation, case_count=4)
    assert answer.verdict == "yes"
    assert say(answer) == (
        "Yes: on 4 held-out cases the networks agreed better with the rater that trained them than with the other "
        "rater: mean Dice 0.885 against 0.741, a difference of 0.144 (95 % interval 0.112 to 0.176)."
    )


def test_an_interval_that_includes_zero_shows_no_difference_and_proves_nothing(evaluation):
    answer = word_answer(with_gap(evaluation, 0.01, -0.02, 0.04), case_count=4)
    assert answer.verdict == "not-shown"
    assert say(answer).startswith("No difference was shown: on 4 held-out cases")
    assert "0.010 (95 % interval −0.020 to 0.040)" in say(answer)
    assert say(answer).endswith("The interval includes 0; this does not prove that there is no difference.")


@pytest.mark.parametrize("bounds", [(0.0, 0.1), (-0.1, 0.0)])
def test_an_interval_that_touches_zero_shows_no_difference(evaluation, bounds):
    assert word_answer(with_gap(evaluation, sum(bounds) / 2, *bounds), case_count=4).verdict == "not-shown"


def test_a_negative_gap_within_an_interval_around_zero_is_shown_as_negative(evaluation):
    answer = word_answer(with_gap(evaluation, -0.01, -0.03, 0.01), case_count=4)
    assert answer.verdict == "not-shown"
    assert "a difference of −0.010" in say(answer)


def test_an_interval_below_zero_is_said_to_be_the_wrong_way_round(evaluation):
    answer = word_answer(with_gap(evaluation, -0.05, -0.08, -0.02), case_count=1)
    assert answer.verdict == "reversed"
    assert "on 1 held-out case the networks agreed less with the rater that trained them" in say(answer)
    assert "−0.050 (95 % interval −0.080 to −0.020)" in say(answer)
    assert not say(answer).startswith("Yes")


def test_more_than_two_sources_are_in_the_plural_and_named_by_the_noun(evaluation):
    answer = word_answer(evaluation.model_copy(update={"raters": ("a", "b", "c")}), case_count=4, noun="source")
    assert "with the source that trained them than with the other sources" in say(answer)


def test_one_source_cannot_answer_the_question(evaluation):
    single = evaluation.model_copy(update={"raters": ("ann",), "dice_gap": None, "cross_dice": None})
    answer = word_answer(single, case_count=0)
    assert answer.verdict == "no-answer"
    assert "only one rater, ann, was compared" in say(answer)
    assert "0.885 (95 % interval 0.861 to 0.902)" in say(answer)


def test_without_a_common_case_the_question_is_not_answered(evaluation):
    answer = word_answer(evaluation.model_copy(update={"dice_gap": None, "cross_dice": None}), case_count=0)
    assert answer.verdict == "no-answer"
    assert "no held-out case was outlined by two raters" in say(answer)


def test_a_single_subject_gives_no_answer_but_the_means(evaluation):
    answer = word_answer(with_gap(evaluation, 0.144, math.nan, math.nan), case_count=3)
    assert answer.verdict == "no-answer"
    assert "the 3 held-out cases are of one subject" in say(answer)
    assert "mean Dice 0.885 against 0.741" in say(answer)


@given(estimate=st.floats(-1, 1), below=st.floats(0, 1), above=st.floats(0, 1))
def test_the_verdict_follows_the_interval_alone(evaluation, estimate, below, above):
    gap = Interval(estimate=estimate, low=estimate - below, high=estimate + above)
    expected = "yes" if gap.low > 0 else "reversed" if gap.high < 0 else "not-shown"
    found = word_answer(evaluation.model_copy(update={"dice_gap": gap}), case_count=4)
    assert found.verdict == expected


def test_the_figures_of_the_paper_are_amplification():
    # MS lesions of Schwartzman et al.: 15 of 21 cases between the raters, 20 of 21 between their networks.
    contrast = build_contrast((15, 0, 6), (20, 0, 1), (2.14, 3.02), ("rater-1", "rater-2"))
    text = word_amplification([contrast], unit="ml")
    assert text == (
        "rater-1 measured less than rater-2 in 15 of 21 cases; its network measured less than the other network in "
        "20 of 21 cases. The mean absolute difference was 2.14 ml between the raters and 3.02 ml between their "
        "networks. Between the networks the difference is more consistent and larger: training amplified it."
    )


@pytest.mark.parametrize(
    ("sources", "networks", "sizes", "effect", "ending"),
    [
        ((6, 0, 4), (9, 0, 1), (1.0, 2.0), "amplified", "more consistent and larger: training amplified it."),
        ((6, 0, 4), (6, 0, 4), (1.0, 2.0), "amplified", "as consistent and larger: training amplified it."),
        ((6, 0, 4), (9, 0, 1), (2.0, 2.0), "amplified", "more consistent and of the same size: training amplified it."),
        ((9, 0, 1), (6, 0, 4), (2.0, 1.0), "damped", "less consistent and smaller: training damped it."),
        ((6, 0, 4), (9, 0, 1), (2.0, 1.0), "mixed", "more consistent but smaller: no clear amplification."),
        ((9, 0, 1), (6, 0, 4), (1.0, 2.0), "mixed", "less consistent but larger: no clear amplification."),
        ((6, 0, 4), (6, 0, 4), (1.0, 1.0), "unchanged", "of the same size: training neither amplified nor damped it."),
        ((9, 0, 1), (1, 0, 9), (1.0, 2.0), "reversed", "so they did not take over this difference."),
        ((1, 0, 9), (0, 0, 10), (1.0, 2.0), "amplified", "more consistent and larger: training amplified it."),
    ],
)
def test_every_way_in_which_loads_can_turn_out_has_its_words(sources, networks, sizes, effect, ending):
    contrast = build_contrast(sources, networks, sizes)
    assert judge_contrast(contrast) == effect
    assert word_amplification([contrast], unit="ml").endswith(ending)


def test_counts_are_given_in_the_direction_of_the_sources():
    text = word_amplification([build_contrast((1, 0, 9), (8, 0, 2), (1.0, 2.0))], unit="px²")
    assert (
        "ann measured more than ben in 9 of 10 cases; its network measured more than the other network in 2 of 10"
        in text
    )


def test_sizes_that_print_alike_count_as_equal():
    assert compare_size(build_contrast((6, 0, 4), (6, 0, 4), (10.01, 10.02))) == "equal"
    assert compare_size(build_contrast((6, 0, 4), (6, 0, 4), (10.0, 10.2))) == "more"


def test_consistency_compares_shares_not_counts():
    assert compare_consistency(build_contrast((3, 0, 1), (6, 0, 2), (1.0, 1.0))) == "equal"
    assert compare_consistency(build_contrast((3, 0, 1), (3, 1, 0), (1.0, 1.0))) == "equal"
    assert compare_consistency(build_contrast((3, 0, 1), (4, 0, 0), (1.0, 1.0))) == "more"


def test_no_common_case_means_no_statement_about_loads():
    contrast = build_contrast((0, 0, 0), (0, 0, 0), (None, None))
    assert judge_contrast(contrast) == "unknown"
    assert word_amplification([contrast], unit="ml").startswith("Loads cannot be compared")
    assert word_amplification([], unit="ml").startswith("Loads cannot be compared")


def test_many_pairs_are_counted_by_what_became_of_them():
    contrasts = [
        build_contrast((6, 0, 4), (9, 0, 1), (1.0, 2.0)),
        build_contrast((6, 0, 4), (6, 0, 4), (1.0, 2.0)),
        build_contrast((9, 0, 1), (6, 0, 4), (2.0, 1.0)),
        build_contrast((9, 0, 1), (1, 0, 9), (1.0, 2.0)),
    ]
    assert word_amplification(contrasts, unit="ml") == (
        "Over 4 pairs of raters, training amplified the difference in load in 2, damped it in 1 and turned it round in "
        "1. Between the networks it was more consistent in 1 and larger in 2, in the order of their raters."
    )


@pytest.mark.parametrize(
    ("contrast", "start"),
    [
        (build_contrast((6, 0, 4), (6, 0, 4), (1.0, 1.0)), "training left the difference in load as it was in 2"),
        (build_contrast((9, 0, 1), (6, 0, 4), (2.0, 1.0)), "training damped the difference in load in 2"),
        (build_contrast((9, 0, 1), (6, 0, 4), (1.0, 2.0)), "training had mixed effects on the difference in load in 2"),
        (build_contrast((9, 0, 1), (1, 0, 9), (1.0, 2.0)), "training turned the difference in load round in 2"),
    ],
)
def test_the_first_effect_of_many_pairs_names_the_difference(contrast, start):
    assert start in word_amplification([contrast, contrast], unit="ml")
