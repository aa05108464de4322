import re

import pytest
from crowd_report_builders import build_analysis, build_crowd_context, build_evaluation
from pages import Page, check_page

from overread.errors import InputError
from overread.questions.crowd_disagreement.page.paper import quote_paper
from overread.questions.crowd_disagreement.page.report import write_crowd_report

CITATION = "https://arxiv.org/abs/1806.08174"


def write(folder, evaluation, preset="ratings"):
    write_crowd_report(
        folder / "new" / "report.html", analysis=build_analysis(evaluation), context=build_crowd_context(preset)
    )
    return (folder / "new" / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    return write(tmp_path_factory.mktemp("page"), build_evaluation(), "cheplygina2018")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_is_sound_and_shows_panels_permutations_spread_and_components(page):
    check_page(page, links={CITATION})
    assert len(page.images) == 2 + 3 + 1 + 1


def test_the_answer_stands_before_the_first_section(page):
    answer = page.text.index("Yes: disagreement alone tells “<melanoma>”.")
    assert answer < page.text.index("What tells the outcome")


def test_names_of_users_are_text_and_not_markup(page, html):
    assert "<melanoma>" in page.text
    assert "<melanoma>" not in html
    assert "case & x" in page.text


def test_the_papers_figures_stand_beside_ours_in_its_preset_alone(page, tmp_path):
    row = page.text[page.text.index("All ratings 6") :]
    assert row.startswith("All ratings 6 0.900 0.85 to 0.95 0.96 0.012 0.899")
    assert "Annotator 1 6 0.900 0.85 to 0.95 0.90–0.98" in page.text
    assert "Paper" not in Page(write(tmp_path, build_evaluation())).text


def test_the_paper_has_no_figure_for_what_its_text_does_not_give():
    assert (quote_paper("consensus"), quote_paper("std"), quote_paper("kurtosis")) == ("0.99", "0.71", "")


def test_sets_that_differ_by_the_order_of_z_scores_are_set_in_bold_and_counted(html, page):
    assert "<b>0.887</b>" in html or "<b>0.888</b>" in html
    assert "(1 of 8 sets)" in page.text


def test_what_was_left_out_is_named(page):
    assert "1 case was left out" in page.text
    assert re.search(r"a rating is missing: 1 : case & x", page.text)


def test_a_study_has_one_panel_and_speaks_of_sources(tmp_path):
    page = Page(write(tmp_path, build_evaluation(kind="sources")))
    assert "Is the disagreement of sources informative?" in page.text
    assert len(page.images) == 1 + 4 + 1 + 1
    assert "Does disagreement tell more than size?" in page.text
    assert "Size alone (log of the mean load) 6 0.900 0.85 to 0.95" in page.text
    assert "Smallest gain that matters0.05" in page.text
    assert "Dice and average boundary distance of each pair of sources" in page.text
    assert "annotator" not in page.text.lower()


def test_equal_inputs_give_equal_bytes(html, tmp_path):
    assert write(tmp_path, build_evaluation(), "cheplygina2018") == html


def test_tables_of_another_evaluation_are_refused(tmp_path):
    evaluation = build_evaluation()
    analysis = build_analysis(evaluation.model_copy(update={"tests": evaluation.tests[:1]}))
    mixed = type(analysis)(evaluation, analysis.cases, analysis.fold_auc, analysis.permuted)
    with pytest.raises(InputError, match="permutations must be those of the evaluation, got disagreement"):
        write_crowd_report(tmp_path / "x.html", analysis=mixed, context=build_crowd_context("ratings"))
    fewer = type(analysis)(evaluation, analysis.cases[:5], analysis.fold_auc, analysis.permuted)
    with pytest.raises(InputError, match="table of cases must be that of the evaluation"):
        write_crowd_report(tmp_path / "x.html", analysis=fewer, context=build_crowd_context("ratings"))
