"""The review list as a page."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from pages import Page, check_page
from report_builders import build_context

from overread.labels.relabel_rules.change import RuleCase
from overread.labels.relabel_rules.rule import SettledRule
from overread.labels.relabelling import relabel_case
from overread.labels.source_cases import read_source_case
from overread.questions.relabel.page import review as report
from overread.questions.relabel.review import rank_reviews, review_case
from overread.questions.relabel.review_regions import ReviewSettings
from overread.study.study import Study
from tests.doubtful_studies import make_maps
from tests.relabel_rules import flip
from tests.studies import write_cubes, write_squares


def write(
    study: Study, path: Path, *, threshold: float = 0.1, largest_change: float | None = 0.5, method: str = "tta"
) -> str:
    settings = flip(threshold, largest_change=largest_change)
    labels = report.RelabelledLabels(
        name="ann-relabelled",
        source="ann",
        settled=SettledRule(rule="paper", change=settings.change),
        settings=settings,
        threshold=threshold,
        stopped="",
        method=method,
        unmapped=study.case_ids[-1:],
        read_maps=lambda case_id: make_maps(study, case_id),
        listing=ReviewSettings(),
    )
    reviews = []
    for case_id in study.case_ids[:-1]:
        case, uncertainty = read_source_case(study, "ann", case_id), labels.read_maps(case_id).aleatoric
        reviews.append(
            review_case(
                case_id,
                case.mask,
                relabel_case(RuleCase(case.mask, uncertainty, None, case.spacing), settings),
                uncertainty,
                threshold=threshold,
                spacing=case.spacing,
                settings=labels.listing,
            )
        )
    report.write_review_page(path, rank_reviews(reviews), study=study, labels=labels, context=build_context(["ann"]))
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def squares(tmp_path_factory) -> Study:
    return write_squares(tmp_path_factory.mktemp("squares"), case_count=5)


@pytest.fixture(scope="module")
def html(squares, tmp_path_factory) -> str:
    return write(squares, tmp_path_factory.mktemp("page") / "new" / "review.html")


@pytest.fixture(scope="module")
def page(html) -> Page:
    return Page(html)


def test_the_page_is_sound_and_loads_nothing(page):
    check_page(page)


def test_what_was_done_is_said_first_with_the_command_that_accepts_it(page):
    assert "3 of 4 cases were relabelled, and 1 was left alone." in page.text
    assert re.search(r"overread labels accept DIR --source ann-relabelled --cases case0\d,case0\d", page.text)
    assert page.text.index("were relabelled") < page.text.index("overread labels accept")
    assert "1 labelled case had no uncertainty map and keeps its label" in page.text


def test_a_case_that_was_left_alone_comes_first_and_says_why(page):
    # All of its block changes, so that nothing would be left.
    first = page.text.split("Case by case")[2].split("2. Case")[0]
    assert "1. Case case00" in first
    assert "Left alone. Would change: " in first
    assert "100 % of the label" in first
    assert "holds the label as it was given, for nothing would be left of it" in first
    assert "relabel again" not in first


def test_every_case_has_a_picture_and_one_of_its_region_with_an_alternative(page, squares):
    images = page.images
    assert len(images) == 2 * 4
    mask = squares.labels("ann").read("case00")
    (whole,) = (image for image in images if image["alt"].startswith("Case case00. "))
    assert f"adds 0 pixels of this view to the label and removes {mask.sum()};" in whole["alt"]
    assert whole["alt"].endswith("the uncertainty reaches 0.20.")


def test_regions_are_measured_in_the_table(page, squares):
    rows, columns = squares.labels("ann").read("case00").nonzero()
    area = len(rows)
    assert (
        f"1 removed {area}{'.0' if area < 100 else ''} {area} 0.200 (0.200) 100 % 1 1 "
        f"Y {rows.min()}–{rows.max()}, X {columns.min()}–{columns.max()}"
    ) in page.text


def test_equal_inputs_give_equal_bytes(squares, html, tmp_path):
    assert write(squares, tmp_path / "again.html") == html


def test_pictures_are_bounded_and_the_page_says_so(squares, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "MOST_CASES", 3)
    monkeypatch.setattr(report, "MOST_REGIONS", 2)
    page = Page(write(squares, tmp_path / "review.html"))
    assert len(page.images) == 3 + 2
    assert "3 cases have a picture, and of their regions the 2 most doubtful" in page.text
    assert "1 further case with something to look at is in the tables only" in page.text
    assert page.mismatches == []


def test_a_volume_is_shown_in_the_slice_with_most_change(tmp_path):
    study = write_cubes(tmp_path / "study", case_count=2)
    page = Page(write(study, tmp_path / "review.html"))
    mask = study.labels("ann").read("case00")
    first = int(mask.any(axis=(0, 1)).argmax())  # All slices of a cube are alike, so the first is taken.
    assert page.text.count(f"Slice Z {first} ") == 2
    pictures = [unquote(image["src"]) for image in page.images]
    assert all(f">{letter}</text>" in svg for svg in pictures for letter in "RLA")
    spacing_ml = 1.0 * 2.0 * 3.0 / 1000
    assert f"removed {mask.sum() * spacing_ml:.2f} " in page.text


def test_nothing_to_look_at_is_said(squares, tmp_path):
    page = Page(write(squares, tmp_path / "review.html", threshold=0.24))
    assert "0 of 4 cases were relabelled." in page.text
    assert "Nothing changes and nothing is uncertain, so there is nothing to look at." in page.text
    assert "In 4 cases nothing changes and nothing is uncertain." in page.text
    assert page.images == []


def test_a_case_beyond_a_limit_says_which_limit_would_let_it_pass(squares, tmp_path):
    page = Page(write(squares, tmp_path / "review.html", largest_change=0.05))
    assert "0 of 4 cases were relabelled, and 4 were left alone." in page.text
    assert re.search(r"relabel again with --largest-change 0\.\d\d and another --name", page.text)


def test_markup_in_names_is_shown_and_not_obeyed(squares, tmp_path):
    danger = "<script>alert(1)</script>"
    page = Page(write(squares, tmp_path / "review.html", method=danger))
    assert not page.find_all("script")
    assert f"(method {danger})" in page.text
