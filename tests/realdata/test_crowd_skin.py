"""Ratings of skin lesions by six students: the paper's analysis gives about the paper's figures."""

import pytest

from overread.questions.crowd_disagreement.presets import read_crowd_preset
from overread.questions.crowd_disagreement.steps import report_disagreement
from overread.questions.crowd_disagreement.steps.crowd_analysis_files import read_crowd_evaluation
from overread.questions.crowd_disagreement.steps.disagreement_choice import DisagreementChoice
from overread.study.outcomes import read_outcomes
from overread.study.ratings_table import read_ratings

pytestmark = pytest.mark.realdata

EXPECTED = {
    "all": (0.96, 0.02),
    "feature:Color": (0.94, 0.02),
    "feature:Border": (0.83, 0.03),
    "std": (0.77, 0.04),
    "skewness": (0.69, 0.04),
}


@pytest.fixture(scope="module")
def analysed(real_data, tmp_path_factory):
    folder = real_data / "crowd-skin"
    choice = DisagreementChoice(preset="cheplygina2018")
    output = tmp_path_factory.mktemp("crowd-skin")
    tables = {"ratings": str(folder / "annotations.csv"), "outcomes": str(folder / "diagnoses.csv")}
    report_disagreement.run(choice, **tables, output=output)
    return read_crowd_evaluation(output), output


def test_the_table_is_read_as_it_is(real_data):
    table = read_ratings(real_data / "crowd-skin" / "annotations.csv")
    assert table.values.shape == (100, 6, 5)
    assert (table.layout, table.ignored) == ("{feature}_7_{annotator}", ())
    outcome = read_outcomes(real_data / "crowd-skin" / "diagnoses.csv")
    assert (outcome.column, outcome.positive, sum(outcome.by_case.values())) == ("melanoma", "1", 18)


def test_incomplete_images_are_left_out_and_named(analysed):
    evaluation, _ = analysed
    assert evaluation.case_count == 96
    assert evaluation.incomplete == ("ISIC_0010002", "ISIC_0010042", "ISIC_0010058", "ISIC_0010063")


@pytest.mark.parametrize("key", EXPECTED)
def test_the_mean_auc_of_ten_repeats_is_about_that_of_the_paper(analysed, key):
    value, tolerance = EXPECTED[key]
    assert analysed[0].find_score(key).auc.estimate == pytest.approx(value, abs=tolerance)


def test_the_consensus_is_best_and_disagreement_alone_is_better_than_chance(analysed):
    evaluation, _ = analysed
    assert evaluation.find_score("consensus").auc.estimate >= 0.95
    assert evaluation.find_score("consensus").auc.estimate > evaluation.find_score("disagreement").auc.high
    assert evaluation.find_test("disagreement").p < 0.01
    assert evaluation.find_test("std").p_holm < 0.01
    annotators = [score.auc.estimate for score in evaluation.scores if score.group == "annotator"]
    assert len(annotators) == 6
    assert 0.85 < min(annotators) < max(annotators) < 1


def test_the_report_shows_the_figures_of_the_paper(analysed):
    evaluation, output = analysed
    html = (output / "report.html").read_text(encoding="utf-8")
    for key, figure in (("all", "0.96"), ("feature:Color", "0.93"), ("feature:Border", "0.82"), ("consensus", "0.99")):
        score = evaluation.find_score(key)
        assert f"<b>{score.auc.estimate:.3f}</b></td>" in html
        assert f'<td class="number">{figure}</td>' in html
    assert read_crowd_preset("cheplygina2018").analysis.repeats == 10
