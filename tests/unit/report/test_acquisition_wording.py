import math

import pytest
from acquisition_builders import NOT_TOLD, TOLD, make_evaluation, make_interval, make_matching

from overread.questions.acquisition_bias.page.wording import (
    list_design,
    list_error_contrasts,
    word_acquisition_answer,
    word_confounding,
    word_errors,
    word_matching,
    word_regions,
    word_rule,
    write_score,
)


def test_the_answer_is_yes_where_whole_slices_tell_the_target() -> None:
    answer = word_acquisition_answer(make_evaluation())
    assert (answer.verdict, answer.lead) == ("yes", "The images tell vendor:")
    assert "on 12 held-out subjects a small network named it from whole slices with AUROC 0.90 (95" in answer.rest
    assert answer.rest.endswith("p\u00a0=\u00a00.008.")


def test_a_small_auroc_may_be_less_than_what_matters() -> None:
    weak = make_evaluation(outside=NOT_TOLD).model_copy(update={"matters": 0.35})
    assert word_acquisition_answer(weak).rest.endswith("It may be less than 0.85.")


def test_the_answer_is_yes_for_parts_where_whole_slices_do_not_tell() -> None:
    answer = word_acquisition_answer(make_evaluation(whole=NOT_TOLD))
    assert (answer.verdict, answer.lead) == ("yes", "Parts of the images tell vendor:")
    assert "named it from padding and air better than by chance. For whole slices it cannot be said" in answer.rest


def test_nothing_shown_is_not_taken_for_nothing_there() -> None:
    answer = word_acquisition_answer(make_evaluation(whole=NOT_TOLD, outside=NOT_TOLD))
    assert (answer.verdict, answer.lead) == ("not-shown", "Cannot tell whether the images tell vendor:")
    assert "(smallest p\u00a0=\u00a00.80, corrected over 4 regions)" in answer.rest
    assert "lies anywhere from 0.10 to 0.90, so this does not show that nothing in the images tells it" in answer.rest
    assert "shuffles: 39" in answer.rest


def test_the_rule_is_that_of_the_shuffles_where_there_are_any() -> None:
    assert word_rule(make_evaluation()).startswith("A region is told where p is at most 0.025: of a one-sided t-test")
    shuffled = make_evaluation(p_shuffled=0.05)
    assert word_rule(shuffled).startswith("A region is told where p is at most 0.05: the share of 19 shuffles")
    assert "p\u00a0=\u00a00.050" in word_acquisition_answer(shuffled).rest


def test_the_design_says_what_chance_alone_gives() -> None:
    subjects, trainings, chance, matters = list_design(make_evaluation(), training_count=20)
    assert (subjects.value, subjects.notes) == ("12", ("with 20 cases",))
    assert (trainings.value, trainings.notes) == ("20", ("4 regions × 5 folds",))
    assert (chance.value, chance.notes) == ("0.10 to 0.90", ("0.5 ± 2 standard deviations of 0.20",))
    assert matters.value == "0.6"
    shuffled = list_design(make_evaluation(p_shuffled=0.05), training_count=400)[1]
    assert shuffled.notes == ("4 regions × 5 folds", "19 shuffles among them")


def test_regions_say_what_padding_tells_and_how_far_it_falls() -> None:
    outside, body, noise = word_regions(make_evaluation(), hidden_air_share=1.0)
    assert outside.startswith("Padding and air alone, without the patient, tell vendor: AUROC 0.99 (95")
    assert "near 1." in outside
    assert outside.endswith("The window of whole slices shows them black; a network with a wider window sees them.")
    assert body.startswith("The body alone: cannot tell. AUROC 0.55")
    assert "That is 0.30 less than with padding and air" in body
    assert "interval 0.20 to 0.40" in body
    assert noise.startswith("The noise residue inside the body: cannot tell. AUROC 0.55")


def test_regions_do_not_claim_more_than_their_intervals() -> None:
    evaluation = make_evaluation(
        outside=NOT_TOLD, body=TOLD, noise=TOLD, fall=(0.35, -0.1, 0.6), fall_verdict="cannot tell"
    )
    outside, body, noise = word_regions(evaluation, hidden_air_share=0.2)
    assert outside.startswith("Padding and air alone, without the patient: cannot tell.")
    assert "wider window" not in outside
    assert body.endswith(
        "That is 0.35 higher than with padding and air (95\u00a0% interval −0.10 to 0.60), which settles nothing."
    )
    assert noise.startswith("The noise residue inside the body tells vendor: AUROC 0.90")
    assert "near 1" not in noise


def test_confounded_columns_are_named_strongest_first() -> None:
    columns = (("site", 0.94), ("model", 0.91), ("kernel", 0.8), ("spacing", 0.7), ("part", 0.6), ("kvp", 0.49))
    text = word_confounding(make_evaluation(confounded=columns).confounding, "vendor")
    assert text.startswith("vendor is confounded with site (Cramér's V 0.94), model (Cramér's V 0.91), ")
    assert "spacing (Cramér's V 0.70) and 1 further column." in text


def test_without_a_strong_column_there_is_no_warning() -> None:
    assert word_confounding(make_evaluation(confounded=(("kvp", 0.49),)).confounding, "vendor") == ""


@pytest.mark.parametrize(
    ("outcome", "dropped", "words"),
    [
        ("matched", (), "The classes were matched by age and sex: no case had to be left out."),
        ("matched", ("a",), "The classes were matched by age and sex: 1 case was left out."),
        ("matched", ("a", "b"), "2 cases were left out."),
        ("impossible", (), "Matching by age and sex was not possible: it would have left 30"),
        ("no-columns", (), "has neither age nor sex"),
    ],
)
def test_matching_is_told_as_it_went(outcome: str, dropped: tuple[str, ...], words: str) -> None:
    assert words in word_matching(make_matching(outcome, dropped))


def test_groups_whose_intervals_do_not_overlap_are_named() -> None:
    contrasts = list_error_contrasts(make_evaluation())
    assert contrasts == ("class",)
    assert word_errors(contrasts).startswith("Described, not tested: by class errors are spread so that intervals")
    assert word_errors(()).startswith("Described, not tested: within each grouping all intervals over subjects overlap")


def test_an_interval_that_is_not_valid_is_not_written() -> None:
    assert write_score(make_interval((0.7, math.nan, math.nan))) == "0.70 (no valid interval)"
