import math

import pytest
from relabel_builders import build_relabel_inputs

from overread.evaluation.skill import Skill
from overread.questions.relabel.page.tables import name_noise, name_training
from overread.questions.relabel.page.wording import (
    advise,
    word_disagreement,
    word_kept,
    word_labels,
    word_relabel_answer,
)
from overread.questions.relabel.results import LabelRepair, RelabelEvaluation

SPACE = "\u00a0"


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory) -> RelabelEvaluation:
    return build_relabel_inputs(tmp_path_factory.mktemp("wording")).evaluation


@pytest.fixture(scope="module")
def single(evaluation) -> RelabelEvaluation:
    """The same of one kind of labels."""
    return evaluation.model_copy(update={"noises": evaluation.noises[:1]})


def set_gain(evaluation, noise, outcome, *numbers):
    """The evaluation with another gain and outcome of the network that relabelled with the main method."""
    cells = tuple(
        cell.model_copy(update={"gain": _change(cell.gain, *numbers) if numbers else None, "outcome": outcome})
        if (cell.noise, cell.correction, cell.method) == (noise, "relabel", "tta")
        else cell
        for cell in evaluation.cells
    )
    return evaluation.model_copy(update={"cells": cells})


def _change(gain, estimate, low, high):
    return gain.model_copy(update={"estimate": estimate, "low": low, "high": high})


def set_label_gain(evaluation, noise, estimate, *, labels):
    """The evaluation with another change of the label Dice."""
    repairs = tuple(
        repair.model_copy(update={"gain": repair.gain.model_copy(update={"estimate": estimate})})
        if (repair.noise, repair.labels, repair.method) == (noise, labels, "tta")
        else repair
        for repair in evaluation.repairs
    )
    return evaluation.model_copy(update={"repairs": repairs})


def make_repair(**changes):
    values = {"before": None, "after": None, "gain": None, "clean_case_count": 0}
    values |= {"improved_count": 0, "worsened_count": 0, "case_count": 9, "kept_count": 0, "changed_share": 0.08}
    return LabelRepair(noise="polygon-3", method="tta", labels="source", **(values | changes))


def test_a_gain_is_told_with_its_interval(single):
    answer = word_relabel_answer(single)
    assert answer.verdict == "yes"
    assert answer.sentence == (
        "Yes: networks agree better with clean labels after relabelling than without correction, by 0.100 "
        f"(95{SPACE}% interval 0.069 to 0.131)."
    )


@pytest.mark.parametrize(
    ("outcome", "numbers", "mark", "words"),
    [
        ("gained", (0.03, 0.01, 0.05), "yes", "interval 0.010 to 0.050). It may be less than 0.02."),
        ("lost", (-0.03, -0.05, -0.01), "reversed", "networks agree less with clean labels after relabelling than"),
        ("no difference that matters", (0.0, -0.01, 0.01), "no-difference", "below the 0.02 that this page calls"),
        ("cannot tell", (0.01, -0.02, 0.04), "not-shown", "A study like this finds a difference of about 0.049"),
    ],
)
def test_every_outcome_has_its_words(single, outcome, numbers, mark, words):
    answer = word_relabel_answer(set_gain(single, "polygon-3", outcome, *numbers))
    assert answer.verdict == mark
    assert words in answer.sentence


def test_networks_that_learnt_too_little_by_their_own_labels_are_told_so(single):
    skills = {"polygon-3": Skill(own=0.3, guess=0.28)}
    poor = set_gain(single, "polygon-3", "learnt too little", 0.1, 0.05, 0.15)
    answer = word_relabel_answer(poor.model_copy(update={"skills": skills, "clean_source": ""}))
    assert answer.verdict == "no-answer"
    assert answer.rest == (
        "without correction they reach a Dice of 0.300 with the labels that they learnt; a mask that ignores the image "
        "gets 0.280. No verdict."
    )


def test_several_kinds_of_labels_are_told_by_outcome(evaluation):
    assert word_relabel_answer(evaluation).sentence == (
        "Relabelling made networks better: the numbers of each kind of labels follow."
    )
    mixed = set_gain(evaluation, "polygon-3", "lost", -0.03, -0.05, -0.01)
    answer = word_relabel_answer(mixed)
    assert answer.verdict == "reversed"
    assert answer.lead == "Relabelling made networks better for polygon-7 and made networks worse for polygon-3:"
    doubtful = word_relabel_answer(set_gain(evaluation, "polygon-7", "cannot tell", 0.1, -0.1, 0.3))
    assert doubtful.verdict == "not-shown"
    assert doubtful.lead.endswith("made networks better for polygon-3 and cannot be told from luck for polygon-7:")


def test_a_gain_that_is_not_known_is_told_with_the_reason(single):
    unknown = set_gain(single, "polygon-3", "unknown")
    assert word_relabel_answer(unknown).sentence == (
        "Whether networks gained by relabelling is unknown: no held-out case with a clean mask was predicted both with "
        "relabelling and without correction."
    )
    bare = word_relabel_answer(unknown.model_copy(update={"repairs": ()}))
    assert bare.rest == "no training with relabelling left any masks."


def test_without_clean_labels_the_answer_says_so_and_what_changed(tmp_path):
    found = build_relabel_inputs(
        tmp_path, clean_source="", corrections=("none", "relabel"), noises=("as-given",), methods=("tta",)
    ).evaluation
    assert word_relabel_answer(found).sentence == (
        "Whether networks gained by relabelling is unknown: there are no clean labels to compare with."
    )
    assert word_labels(found) == (
        f"What became of the labels. The labels as given: 10{SPACE}% of the labelled voxels changed; 1 case was left "
        "alone, for too much would have changed."
    )


def test_what_became_of_labels_is_described_by_case(single):
    assert word_labels(single) == (
        "What became of the labels. Polygon-3: their Dice with clean labels went from 0.600 to 0.697 (5 of 6 cases "
        "better, 0 worse)."
    )
    assert word_labels(single.model_copy(update={"repairs": ()})) == ""


def test_where_every_mask_was_left_alone_no_label_explains_a_gain(single):
    repairs = tuple(repair.model_copy(update={"kept_count": repair.case_count}) for repair in single.repairs)
    assert word_labels(single.model_copy(update={"repairs": repairs})).endswith(
        "every mask was left alone, for too much would have changed, so that no label explains a difference between "
        "the networks."
    )


def test_training_masks_that_changed_the_other_way_are_told(evaluation):
    assert word_disagreement(evaluation) == ""
    assert word_disagreement(set_label_gain(evaluation, "polygon-7", -0.05, labels="training")) == (
        "These are the masks of the new source; those that the networks went on with for polygon-7 changed the other "
        "way, by −0.050."
    )


@pytest.mark.parametrize(
    ("folds", "repeats", "setting", "times"),
    [
        # Eight ways of training, so that one more repeat is enough on one split; two folds need three.
        (1, 1, "repeats=2", 2),
        (2, 1, "repeats=3", 3),
        (2, 2, "repeats=3", 1.5),
        (3, 1, "repeats=2", 2),
        (3, 2, "repeats=3", 1.5),
        (10, 1, "correction: {folds: 5} in the preset", 0.5),
    ],
)
def test_the_advice_is_the_least_that_would_tell(evaluation, folds, repeats, setting, times):
    advice = advise(evaluation.model_copy(update={"folds": folds, "repeats": repeats}))
    assert advice.setting == setting
    # The inputs hold 48 trainings: 30 of 40 s, and 18 of 60 + 30 s.
    assert advice.trainings == f"{48 * times:.0f} trainings in all"
    assert advice.seconds == pytest.approx(times * (30 * 40 + 18 * 90))


def test_one_split_with_few_ways_of_training_needs_more_repeats(single):
    few = single.model_copy(update={"folds": 1, "repeats": 1, "cells": single.cells[:3]})
    assert advise(few).setting == "repeats=3"


def test_an_interval_that_is_not_known_is_not_written(single):
    cell = single.find_cell("polygon-3", "relabel", "tta")
    gain = cell.gain.model_copy(
        update=dict.fromkeys(("low", "high", "standard_error"), math.nan) | {"obstacle": "few subjects"}
    )
    cells = tuple(
        one.model_copy(update={"gain": gain, "outcome": "cannot tell"}) if one == cell else one for one in single.cells
    )
    answer = word_relabel_answer(single.model_copy(update={"cells": cells}))
    assert answer.rest == (
        "fewer than 6 subjects were held out, too few for an interval that holds what it says (0.100 (no valid "
        "interval)). Hold out 6 subjects or more."
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
