import math

import pytest
from acquisition_builders import NOT_TOLD, TOLD, make_evaluation, make_interval, make_matching

from overread.questions.acquisition_bias.page.wording import (
    list_error_contrasts,
    word_acquisition_answer,
    word_confounding,
    word_errors,
    word_matching,
    word_regions,
    write_score,
)


def test_the_answer_is_yes_where_whole_slices_tell_the_target() -> None:
    answer = word_acquisition_answer(make_evaluation())
    assert (answer.verdict, answer.lead) == ("yes", "The images tell vendor:")
    assert "on 20 held-out cases a small network named it from whole slices with AUROC 0.90 (95" in answer.rest
    assert "an accuracy of 80" in answer.rest
    assert "Shuffled labels gave 0.55." in answer.rest


def test_the_answer_is_yes_for_parts_where_whole_slices_do_not_tell() -> None:
    answer = word_acquisition_answer(make_evaluation(whole=NOT_TOLD))
    assert (answer.verdict, answer.lead) == ("yes", "Parts of the images tell vendor:")
    assert "named it from padding and air better than chance. Whole slices were not shown to tell it" in answer.rest


def test_nothing_shown_is_not_taken_for_nothing_there() -> None:
    answer = word_acquisition_answer(make_evaluation(whole=NOT_TOLD, outside=NOT_TOLD))
    assert answer.verdict == "not-shown"
    assert "does not prove" in answer.rest


def test_a_probe_that_names_shuffled_labels_is_not_trusted() -> None:
    answer = word_acquisition_answer(make_evaluation(shuffled=TOLD))
    assert answer.verdict == "no-answer"
    assert answer.lead == "The probe cannot be trusted here:"


def test_regions_say_what_padding_tells_and_how_far_it_falls() -> None:
    outside, body, noise = word_regions(make_evaluation(), hidden_air_share=1.0)
    assert outside.startswith("Padding and air alone, without the patient, tell vendor: AUROC 0.99 (95")
    assert "near 1." in outside
    assert outside.endswith("The window of whole slices shows them black; a network with a wider window sees them.")
    assert body.startswith("The body alone was not shown to tell vendor: AUROC 0.55")
    assert "That is 0.30 less than with padding and air" in body
    assert "interval 0.20 to 0.40" in body
    assert noise.startswith("The noise residue inside the body was not shown to tell vendor")


def test_regions_do_not_claim_more_than_their_intervals() -> None:
    evaluation = make_evaluation(outside=NOT_TOLD, body=TOLD, noise=TOLD, fall=(0.35, -0.1, 0.6))
    outside, body, noise = word_regions(evaluation, hidden_air_share=0.2)
    assert outside.startswith("Padding and air alone, without the patient, were not shown to tell vendor")
    assert "wider window" not in outside
    assert body.endswith(
        "That is 0.35 higher than with padding and air, a difference that the interval does not settle."
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
    assert word_errors(contrasts).startswith("Errors are unevenly spread by class")
    assert word_errors(()).startswith("No group was shown to be named worse")


def test_an_unknown_interval_is_said_to_be_unknown() -> None:
    assert write_score(make_interval((0.7, math.nan, math.nan))) == "0.70 (interval unknown)"
