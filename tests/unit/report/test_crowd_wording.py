"""What the report of disagreement says, for every way in which it can turn out."""

import pytest
from crowd_report_builders import build_evaluation

from overread.questions.crowd_disagreement.page.wording import word_crowd_answer, word_gain, word_measures
from overread.report.judgement import MARKS


@pytest.mark.parametrize(
    ("numbers", "mark", "lead"),
    [
        ({}, "yes", "Yes: disagreement alone tells “<melanoma>”."),
        ({"p": 0.2}, "not-shown", "Cannot tell whether disagreement alone tells “<melanoma>”."),
        ({"reach": 0.45, "p": 0.05}, "not-shown", "Cannot tell whether disagreement alone tells “<melanoma>”."),
        ({"auc": 0.45}, "no-difference", "No difference that matters: disagreement alone is near chance in telling"),
        ({"auc": 0.4, "reach": 0.2}, "not-shown", "Cannot tell whether"),
        (
            {"kind": "sources", "gain": (0.2, 0.1, 0.3)},
            "yes",
            "Yes: disagreement adds to size in telling “<melanoma>”.",
        ),
        ({"kind": "sources", "p": 0.06, "gain": (0.2, 0.1, 0.3)}, "not-shown", "Cannot tell whether disagreement adds"),
        (
            {"kind": "sources", "gain": (-0.02, -0.1, 0.06)},
            "not-shown",
            "Cannot tell whether disagreement adds to size",
        ),
        ({"kind": "sources", "gain": (0.02, -0.01, 0.049)}, "no-difference", "disagreement adds little to size"),
    ],
)
def test_the_answer_follows_the_test_and_what_matters(numbers, mark, lead):
    evaluation = build_evaluation(**numbers)
    answer = word_crowd_answer(evaluation)
    assert answer.verdict == mark == MARKS[evaluation.verdict]
    assert lead in answer.lead


def test_the_answer_gives_its_numbers():
    rest = word_crowd_answer(build_evaluation(auc=0.8)).rest
    assert "Disagreement alone gives an AUC of 0.80 (0.75 to 0.85), all ratings 0.80 (0.75 to 0.85)" in rest
    assert "disagreement alone has p\u00a0=\u00a00.010 in a permutation test" in rest


def test_the_answer_for_masks_gives_size_alone_and_the_gain():
    rest = word_crowd_answer(build_evaluation(kind="sources", auc=0.8, gain=(0.2, 0.02, 0.3))).rest
    assert "Size alone (the mean load) gives an AUC of 0.80 (0.75 to 0.85), size and disagreement 0.80" in rest
    assert "a gain of 0.20 (0.02 to 0.30)" in rest
    assert "the gain has p\u00a0=\u00a00.010. It may be less than the gain of 0.05 that matters." in rest
    small = word_crowd_answer(build_evaluation(kind="sources", gain=(0.02, -0.01, 0.04))).rest
    assert small.endswith("That is below the gain of 0.05 that this page calls one that matters.")


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        ((0.02, -0.01, 0.05), "changes the AUC by 0.02 (−0.01 to 0.05): whether it adds to them cannot be told"),
        ((0.04, 0.01, 0.07), "the two together tell more"),
        ((-0.04, -0.07, -0.01), "changes the AUC by −0.04 (−0.07 to −0.01): the mean ratings alone tell more"),
    ],
)
def test_whether_disagreement_adds_to_the_consensus(gain, words):
    assert words in word_gain(build_evaluation(gain=gain))


def test_single_measures_count_after_correction():
    assert word_measures(build_evaluation(p=0.02)).endswith("number of measures: standard deviation.")
    assert word_measures(build_evaluation(p=0.03)).startswith("Of no single measure")
    of_masks = word_measures(build_evaluation(kind="sources", p=0.02))
    assert of_masks.startswith("Better than what size explains by itself")
    assert of_masks.endswith("spread of loads.")
    evaluation = build_evaluation()
    assert word_measures(evaluation.model_copy(update={"tests": evaluation.tests[:2]})) == ""
