"""What the report of disagreement says, for every way in which it can turn out."""

import pytest
from crowd_report_builders import build_evaluation

from overread.questions.crowd_disagreement.page.wording import word_crowd_answer, word_gain, word_measures


@pytest.mark.parametrize(
    ("numbers", "verdict", "lead"),
    [
        ({}, "yes", "can be told from the ratings, and better than by chance from disagreement alone:"),
        ({"p": 0.2}, "not-shown", "can be told from the ratings; from disagreement alone this was not shown:"),
        ({"reach": 0.45}, "yes", "Disagreement alone tells “<melanoma>” better than chance, though all features"),
        ({"reach": 0.45, "p": 0.05}, "not-shown", "It was not shown that “<melanoma>” can be told from the ratings:"),
        ({"kind": "sources"}, "yes", "can be told from disagreement and load of the masks, and better than by chance"),
    ],
)
def test_the_answer_follows_the_interval_and_the_test(numbers, verdict, lead):
    answer = word_crowd_answer(build_evaluation(**numbers))
    assert answer.verdict == verdict
    assert lead in answer.lead


def test_the_answer_gives_its_numbers():
    rest = word_crowd_answer(build_evaluation(auc=0.8)).rest
    assert "all ratings give an AUC of 0.80 (0.75 to 0.85), disagreement alone 0.80 (0.75 to 0.85)" in rest
    assert "disagreement alone has p\u00a0=\u00a00.010 in a permutation test" in rest


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        ((0.02, -0.01, 0.05), "changes the AUC by 0.02 (−0.01 to 0.05): no gain was shown"),
        ((0.04, 0.01, 0.07), "the two together tell more"),
        ((-0.04, -0.07, -0.01), "changes the AUC by −0.04 (−0.07 to −0.01): the consensus alone tells more"),
    ],
)
def test_whether_disagreement_adds_to_the_consensus(gain, words):
    assert words in word_gain(build_evaluation(gain=gain))


def test_single_measures_count_after_correction():
    assert word_measures(build_evaluation(p=0.02)).endswith("number of measures: standard deviation.")
    assert word_measures(build_evaluation(p=0.03)).startswith("No single measure")
    evaluation = build_evaluation()
    assert word_measures(evaluation.model_copy(update={"tests": evaluation.tests[:2]})) == ""
