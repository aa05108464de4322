import re

import pytest
from pages import Page, check_page
from report_builders import build_context
from retraining_builders import CASES, Scene

from overread.errors import InputError
from overread.questions.retrain.page.report import write_retraining_report
from overread.questions.retrain.records import RetrainingOutcome


@pytest.fixture(scope="module")
def mixed():
    """One of everything that can become of a network."""
    scene = Scene().judge("ann", dice=0.83).judge("ben", champion=None, decision={"version": 1})
    return scene.judge("ann+ben", dice=0.7, counted=CASES[:6], decision={"version": 5}).keep("cas", state="current")


@pytest.fixture(scope="module")
def html(mixed, tmp_path_factory):
    return mixed.write(tmp_path_factory.mktemp("page") / "new" / "report.html")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_is_sound_and_asks_its_question(page):
    check_page(page)
    assert "Are the networks up to date with their labels?" in page.text
    assert len(page.images) == 2 + 3


def test_equal_inputs_give_equal_bytes(mixed, html, tmp_path):
    assert mixed.write(tmp_path / "again.html") == html


def test_the_first_box_says_what_became_of_each_network(page):
    answer = (
        "In part: the new network of ann, version 4, takes the place of version 3; that of ben, version 1, is its "
        "first champion; that of ann+ben, version 5, was refused, and version 3 stays in use."
    )
    assert answer in page.text
    assert page.text.index("In part:") < page.text.index("All networks that are kept up to date")
    assert "Nothing new for cas (version 3 since 5 January 2026, learnt from revision 0f9e8d7)." in page.text.replace(
        " ", " "
    )


def test_the_table_shows_how_every_network_stands_after_the_run(page):
    text = page.text
    assert "ann tiny-ann version 4 promoted labels changed version 4 this run a1b2c3d 0 ann" in text
    assert "ben tiny-ben version 1 promoted no champion yet version 1 this run a1b2c3d 0 ben" in text
    refused = "version 5 refused labels changed version 3 5 January 2026 0f9e8d7 2 ann"
    assert f"ann+ben tiny-ann+ben {refused}" in text
    assert "nothing new those that the champion learnt version 3 5 January 2026 0f9e8d7 0 cas" in text


def test_a_refusal_says_what_a_human_can_do(page):
    assert "A refusal is a normal result" in page.text
    assert 'overread model promote tiny-ann+ben --version 5 --reason "…"' in page.text
    assert "promote tiny-ann " not in page.text


def test_names_of_users_are_text_and_not_markup(tmp_path):
    html = Scene().judge("a&b+<i>c", dice=0.7, sources=("a&b", "<i>c")).write(tmp_path / "report.html")
    page = Page(html)
    assert page.mismatches == []
    assert not page.find_all("i")
    assert "Why a&b+<i>c was refused" in page.text
    # The shell would take these signs for its own.
    assert "overread model promote 'tiny-a&b+<i>c' --version 4" in page.text


def test_every_held_out_case_stands_in_a_table_largest_loss_first(page):
    cases = re.findall(r"(c\d\d) (0\.\d{3}) (0\.\d{3}) (−?0\.\d{3}) 100 \d+ \d+ (yes|no)", page.text)
    assert len(cases) == 8 + 8  # ann and ann+ben; ben has no champion
    differences = [float(one[3].replace("−", "-")) for one in cases]
    assert differences[:8] == sorted(differences[:8])
    assert differences[8:] == sorted(differences[8:])
    assert sorted(case for case, *_, counts in cases[8:] if counts == "no") == ["c06", "c07"]


def test_inputs_that_do_not_belong_together_are_refused(mixed, tmp_path):
    changes, decisions = mixed.outcome.changes, mixed.outcome.decisions
    page, context = tmp_path / "report.html", build_context(("ann",))

    def write(decisions, comparisons):
        outcome = RetrainingOutcome(changes=changes, decisions=decisions)
        write_retraining_report(page, outcome=outcome, comparisons=comparisons, context=context)

    with pytest.raises(InputError, match="must have its decision, in their order, got ann, ben"):
        write(decisions[:2], mixed.comparisons)
    with pytest.raises(InputError, match="must come with their table of comparisons, got none"):
        write(decisions, None)
    with pytest.raises(InputError, match="each held-out case of the judgement once, got 7 rows for 8 cases"):
        write(decisions, mixed.comparisons[mixed.comparisons["case_id"] != "c07"])
    assert not page.exists()
