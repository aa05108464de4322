import math

import pytest
from relabel_builders import build_relabel_inputs

from overread.evaluation.results import Interval
from overread.questions.relabel.page.tables import name_noise, name_training
from overread.questions.relabel.page.wording import word_disagreement, word_kept, word_relabel_answer
from overread.questions.relabel.results import LabelRepair, RelabelEvaluation

SPACE = "\u00a0"


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory) -> RelabelEvaluation:
    return build_relabel_inputs(tmp_path_factory.mktemp("wording")).evaluation


def make_interval(estimate, low, high):
    return Interval(estimate=estimate, low=low, high=high)


def set_gain(evaluation, noise, *numbers):
    """The evaluation with another gain of the network that relabelled with the main method."""
    gain = make_interval(*numbers) if numbers else None
    cells = tuple(
        cell.model_copy(update={"gain": gain})
        if (cell.noise, cell.correction, cell.method) == (noise, "relabel", "tta")
        else cell
        for cell in evaluation.cells
    )
    return evaluation.model_copy(update={"cells": cells})


def set_outcome(evaluation, noise, outcome, *, labels=("source", "training")):
    """The evaluation with another outcome for labels."""
    repairs = tuple(
        repair.model_copy(update={"outcome": outcome}) if repair.noise == noise and repair.labels in labels else repair
        for repair in evaluation.repairs
    )
    return evaluation.model_copy(update={"repairs": repairs})


def make_repair(**changes):
    values = {"before": None, "after": None, "gain": None, "outcome": "unknown", "clean_case_count": 0}
    values |= {"improved_count": 0, "worsened_count": 0, "case_count": 9, "kept_count": 0, "changed_share": 0.08}
    return LabelRepair(noise="polygon-3", method="tta", labels="source", **(values | changes))


def test_where_every_mask_was_left_alone_the_network_gained_nothing_from_labels(evaluation):
    repairs = tuple(repair.model_copy(update={"kept_count": repair.case_count}) for repair in evaluation.repairs)
    answer = word_relabel_answer(evaluation.model_copy(update={"repairs": repairs}))
    assert answer.rest.startswith("for polygon-3, every mask was left alone, for too much would have changed, and the")
    assert answer.rest.endswith("interval 0.076 to 0.124), which no label explains.")


def test_gains_everywhere_are_told_once_with_the_numbers_of_the_first_noise(evaluation):
    answer = word_relabel_answer(evaluation)
    assert answer.verdict == "yes"
    assert answer.lead == "Relabelling made the labels better; the network gained:"
    # After relabelling 0.70 0.71 0.72 0.73 and, left alone, 0.60: mean 0.692.
    assert answer.rest.startswith(
        f"for polygon-3, label Dice went from 0.600 to 0.692, a difference of 0.092 (95{SPACE}% interval 0.0"
    )
    assert f"and the network's held-out Dice with clean labels changed by 0.100 (95{SPACE}% interval" in answer.rest
    assert "polygon-7" not in answer.sentence


def test_different_outcomes_are_told_by_noise(evaluation):
    mixed = set_gain(set_outcome(evaluation, "polygon-7", "undecided"), "polygon-3", -0.02, -0.03, -0.01)
    answer = word_relabel_answer(mixed)
    assert answer.verdict == "reversed"
    assert answer.lead == (
        "Relabelling made the labels better for polygon-3 and was not shown to make the labels better or worse for "
        "polygon-7; the network gained for polygon-7 and lost for polygon-3:"
    )
    assert "changed by −0.020" in answer.rest


def test_nothing_shown_is_neither_gain_nor_loss(evaluation):
    for noise in ("polygon-3", "polygon-7"):
        evaluation = set_gain(set_outcome(evaluation, noise, "undecided"), noise, 0.01, -0.01, 0.03)
    answer = word_relabel_answer(evaluation)
    assert answer.verdict == "not-shown"
    assert answer.lead == (
        "Relabelling was not shown to make the labels better or worse; the network was not shown to gain or lose:"
    )


def test_a_network_that_failed_leaves_the_labels_to_be_judged(evaluation):
    answer = word_relabel_answer(set_gain(set_gain(evaluation, "polygon-3"), "polygon-7"))
    assert answer.lead == "Relabelling made the labels better; the network cannot be judged:"
    assert answer.verdict == "not-shown"
    assert answer.rest.endswith(").")
    assert "held-out" not in answer.rest


def test_the_numbers_are_those_of_the_first_noise_that_has_any(evaluation):
    repairs = tuple(repair for repair in evaluation.repairs if repair.noise != "polygon-3")
    answer = word_relabel_answer(set_gain(evaluation, "polygon-3").model_copy(update={"repairs": repairs}))
    assert "Relabelling made the labels better for polygon-7 and left no labels that can be judged" in answer.lead
    assert answer.rest.startswith("for polygon-7, label Dice went")


def test_an_unknown_interval_is_named_so(evaluation):
    answer = word_relabel_answer(set_gain(evaluation, "polygon-3", 0.1, math.nan, math.nan))
    assert "changed by 0.100 (interval unknown, all cases are of one subject)" in answer.rest
    assert "the network gained for polygon-7 and was not shown to gain or lose for polygon-3:" in answer.lead


def test_without_clean_labels_the_answer_says_so_and_what_changed(tmp_path):
    inputs = build_relabel_inputs(
        tmp_path, clean_source="", corrections=("none", "relabel"), noises=("as-given",), methods=("tta",)
    )
    assert word_relabel_answer(inputs.evaluation).sentence == (
        "Whether relabelling helped is unknown: there are no clean labels to compare with. For the labels as given, "
        f"10{SPACE}% of the labelled voxels changed; 1 case was left alone, for too much would have changed."
    )


def test_without_any_relabelled_mask_the_answer_says_so(evaluation):
    bare = evaluation.model_copy(update={"repairs": ()})
    answer = word_relabel_answer(set_gain(set_gain(bare, "polygon-3"), "polygon-7"))
    assert answer.verdict == "no-answer"
    assert answer.rest == "no training with relabelling left any masks."


def test_training_masks_that_turned_out_differently_are_told(evaluation):
    assert word_disagreement(evaluation) == ""
    assert word_disagreement(set_outcome(evaluation, "polygon-7", "lost", labels=("training",))) == (
        "The masks of the new source for polygon-7 count here; relabelling made the masks that the networks went on "
        "with worse."
    )


def test_changes_are_told_with_what_was_left_alone():
    assert word_kept(make_repair()) == f"8{SPACE}% of the labelled voxels changed"
    assert word_kept(make_repair(changed_share=None, kept_count=2)) == (
        "2 cases were left alone, for too much would have changed"
    )
    assert word_kept(make_repair(changed_share=None)) == "all masks were empty"


def test_noises_and_trainings_have_names_for_people():
    assert name_noise("as-given") == "the labels as given"
    assert name_noise("polygon-3") == "polygon-3"
    assert name_training("", "clean", "") == "Clean labels"
    assert name_training("as-given", "relabel", "mc_dropout") == "Relabelling (MC dropout), the labels as given"
