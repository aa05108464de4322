import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from pages import Page, check_page
from report_builders import build_estimate, build_inputs, summarise

from overread.errors import InputError
from overread.evaluation.results import Interval
from overread.questions.rater_bias.page import report
from overread.questions.rater_bias.results import ConsensusGain
from overread.report.page import render_page

CITATION = "https://arxiv.org/abs/1906.11872"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return build_inputs(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def html(inputs, tmp_path_factory):
    return inputs.write(tmp_path_factory.mktemp("page") / "new" / "report.html")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_page_is_sound_and_asks_its_question(page):
    check_page(page, links={CITATION})
    assert "tiny: does it matter which rater trained the network?" in page.text


def test_the_answer_stands_with_its_numbers_before_anything_else(page):
    answer = page.text.index("Yes: the networks agree better with the rater that trained them")
    assert answer < page.text.index("Who agrees with whom")
    assert "by 0.144 (95 % interval 0.112 to 0.176)" in page.text[answer:]
    assert "answer yes" in [attributes.get("class") for attributes in page.find_all("div")]


def test_the_luck_that_the_interval_allows_for_and_the_design_stand_with_the_answer(page):
    head = page.text[: page.text.index("Who agrees with whom")]
    assert "It is valid for other subjects and other trainings of this kind; it says nothing about other raters" in head
    for figure in (
        r"Held-out subjects\s*18",
        r"Trainings\s*4\s*5 folds × 2 repeats",
        r"Smallest detectable difference\s*0\.042",
        r"Counts as a difference\s*0\.02",
    ):
        assert re.search(figure, head)
    assert head.count("subjects only") >= 2


def test_the_networks_skill_is_shown_for_every_source(page):
    # (0.885 - 0.1) / (0.8 - 0.1) = 1.12
    assert "ann 0.885 0.100 0.800 1.12 0.50 learnt" in page.text


def test_loads_matrix_tests_and_limits_of_agreement_stand_with_their_numbers(page):
    # Sources 10 and 20 plus the case's number, networks 20 and 40: differences 10 and 20 in every case.
    loads = "3 / 0 / 1 4 / 0 / 0 10.0 20.0 50 % (40 % to 60 %) 75 % (60 % to 90 %) 25 % (5 % to 45 %) amplified"
    assert loads in page.text
    assert "ann 0.873 ± 0.042 n = 4 0.716 ± 0.042 n = 4" in page.text
    assert "ben 0.716 ± 0.042 n = 4 0.873 ± 0.042 n = 4" in page.text
    assert (
        "The paper's test, a two-sample t-test over all Dice values with own and with other raters: p = 0.012."
        in page.text
    )
    assert "Bias 10.0 px², limits 6.08 to 13.9, n = 4" in page.text
    assert "Bias 20.0 px², limits 18.0 to 22.0, n = 4" in page.text


def test_limits_of_the_answer_are_in_the_page(page):
    assert "Agreement with a rater is not correctness" in page.text
    assert "There are only 4 subjects." in page.text


def test_all_four_measures_can_be_chosen_without_a_script(page):
    choices = page.find_all("input")
    assert [choice["id"] for choice in choices] == ["show-dice", "show-surface_dice", "show-hd95", "show-assd"]
    assert ["checked" in choice for choice in choices] == [True, False, False, False]
    assert {label["for"] for label in page.find_all("label")} == {choice["id"] for choice in choices}
    assert "Surface Dice at 2 px" in page.text


def test_the_address_of_the_tracked_run_is_text_and_no_link(page):
    assert "http://tracking.example:5000/#/experiments/1/runs/abc" in page.text


def test_what_was_trained_on_what_is_told_in_full(page, inputs):
    context = inputs.context
    for value in (context.revision, context.study_digest, *context.source_digests.values(), context.code_digest):
        assert value in page.text
    assert "learning_rate: 0.0005" in page.text
    assert "All 4 trainings" in page.text
    assert "ann 0 1 18 2 / 1 / 1 12 (9) 0.812 1,234,567 1 min 35 s 250,000 cpu 0123456789ab" in page.text
    assert "ben 0 c00, c01 c02 c03" in page.text
    assert "ann 2 1 2 2 0.812 3 min 10 s" in page.text


def test_equal_inputs_give_equal_bytes(inputs, html, tmp_path):
    assert inputs.write(tmp_path / "again.html") == html


def test_markup_in_names_and_settings_is_shown_and_not_obeyed(tmp_path):
    inputs = build_inputs(tmp_path, target="<script>alert('x')</script>")
    danger = "</pre><img src=x onerror=alert(1)>"
    inputs.context = inputs.context.model_copy(
        update={"study": "<b>&", "settings_yaml": danger, "tracking_url": danger}
    )
    page = Page(inputs.write(tmp_path / "report.html"))
    check_page(page, links={CITATION})
    assert "Loads: <script>alert('x')</script> in px²" in page.text
    assert page.text.count(danger) == 2
    assert "<b>&: does it matter" in page.text


def test_one_source_is_reported_without_any_comparison(tmp_path):
    page = Page(build_inputs(tmp_path, sources=("ann",)).write(tmp_path / "report.html"))
    assert "This study cannot answer the question: only one rater, ann, was compared" in page.text
    assert "0.885 (0.861 to 0.902); subjects only" in page.text
    assert "Bland" not in page.text.split("Methods in plain language")[0]
    assert "t-test" not in page.text.split("Methods in plain language")[0]
    assert page.mismatches == []


def test_four_sources_have_a_matrix_of_16_and_6_pairs(tmp_path):
    page = Page(build_inputs(tmp_path, sources=("ann", "ben", "cas", "dan"), case_count=3).write(tmp_path / "r.html"))
    cells = [attributes for attributes in page.find_all("td") if "figure-cell" in attributes.get("class", "")]
    assert sum("own" in cell["class"].split() for cell in cells) == 4 * 4
    assert sum("blank" not in cell["class"].split() for cell in cells) == 4 * (16 + 6 + 6)
    assert "Over 6 pairs of raters, training amplified the difference in load in 6" in page.text
    assert page.text.count("0.131 (0.099 to 0.163) p = 0.003 yes") == 6
    assert "With 6 pairs, some differ by chance." in page.text


def test_more_sources_than_colours_are_said_to_repeat(tmp_path):
    inputs = build_inputs(tmp_path, sources=tuple(f"s{number}" for number in range(9)), case_count=1)
    # A figure for each of the 36 pairs would take seconds.
    inputs.evaluation = inputs.evaluation.model_copy(update={"pairs": ()})
    assert "colours repeat after eight" in Page(inputs.write(tmp_path / "report.html")).text


def test_volumes_are_shown_as_slices_with_unit_and_sides(tmp_path):
    page = Page(build_inputs(tmp_path, dimensions=3).write(tmp_path / "report.html"))
    assert "Loads: lesion in ml" in page.text
    assert "slice 1 of 3 along array axis Z" in page.text
    assert "HD95 (mm)" in page.text
    assert "The pixel size is not known" not in page.text
    shown = [unquote(image["src"]) for image in page.images if image["alt"].startswith("Case ")]
    assert len(shown) == 3 * 3
    assert all(f">{letter}</text>" in svg for svg in shown for letter in "RLA")


def test_pixels_of_unknown_size_are_never_called_millimetres(page):
    assert "The pixel size is not known" in page.text
    assert " mm" not in page.text
    assert " mm²" not in page.text


def test_missing_empty_and_infinite_cases_are_listed(tmp_path):
    inputs = build_inputs(tmp_path, case_count=9)
    entry = summarise("network-ann", "ben", "hd95", mean=3.25, case_count=3, infinite_count=2)
    inputs.evaluation = inputs.evaluation.model_copy(
        update={
            "missing_cases": {"ann": ("c01", "c02"), "ben": tuple(f"c0{number}" for number in range(7))},
            "empty_cases": {"network-ben": ("c08",)},
            "matrix": (*inputs.evaluation.matrix[:2], entry),
        }
    )
    page = Page(inputs.write(tmp_path / "report.html"))
    assert "ann 7 2 : c01, c02" in page.text
    assert "7 casesc00, c01, c02, c03, c04, c05, c06" in page.text.replace("7 cases ", "7 cases")
    assert "1 : c08" in page.text
    assert "3.25 ± 0.04 n = 3 + 2 infinite" in page.text


def test_a_source_without_a_mask_of_a_shown_case_is_named(tmp_path):
    inputs = build_inputs(tmp_path, case_count=1)
    inputs.study.labels("ben").path("c00").unlink()
    page = Page(inputs.write(tmp_path / "report.html"))
    assert "No mask of this case from ben." in page.text


def test_semi_automatic_tools_are_called_sources(tmp_path):
    page = Page(build_inputs(tmp_path, kind="semi-automatic").write(tmp_path / "report.html"))
    assert "agree better with the source that trained them than with the other source, by" in page.text
    assert "Networks (rows) against sources (columns)" in page.text


def test_sources_that_share_no_case_are_reported_without_numbers(tmp_path):
    inputs = build_inputs(tmp_path)
    inputs.evaluation = inputs.evaluation.model_copy(
        update={"pairs": (), "dice_gap": None, "cross_dice": None, "verdict": "cannot tell"}
    )
    own = [
        name.removeprefix("network-") == other for name, other in inputs.comparisons[["prediction", "reference"]].values
    ]
    inputs.comparisons = inputs.comparisons[own]
    page = Page(inputs.write(tmp_path / "report.html"))
    assert "There is no case that two raters outlined" in page.text


def test_a_source_without_predictions_is_refused(tmp_path):
    broken = build_inputs(tmp_path)
    del broken.predictions["ben"]
    with pytest.raises(InputError, match="none of ben"):
        broken.write(tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_a_template_with_a_missing_value_is_an_error():
    with pytest.raises(Exception, match="is undefined"):
        render_page(Path(report.__file__).with_name("rater_bias.html.j2"), {})


def test_the_networks_of_a_consensus_are_compared_with_all_raters_and_the_rest_is_about_raters(tmp_path):
    inputs = build_inputs(tmp_path / "three", sources=("ann", "ben", "staple"))
    dice = {name: Interval(estimate=0.8, low=0.7, high=0.9) for name in ("ann", "ben", "staple")}
    gain = ConsensusGain(
        consensus="staple", rater="ann", gain=build_estimate(0.05, 0.03, 0.07), p_holm=0.002, verdict="yes"
    )
    changes = {"raters": ("ann", "ben"), "rater_dice": dice, "pairs": inputs.evaluation.pairs[:1]}
    changes |= {"consensus_gains": (gain,)}
    changed = replace(inputs, evaluation=inputs.evaluation.model_copy(update=changes))
    page = Page(changed.write(tmp_path / "report.html"))
    assert re.search(r"Compared\s*2 raters and 1 consensus", page.text)
    assert "Networks of the consensus" in page.text
    assert "staple 0.800 (0.700 to 0.900)" in page.text
    assert "staple ann 0.050 (0.030 to 0.070) p = 0.002 better" in page.text
    legends = page.text.split("Case by case")[2].split("Loads")[0]
    assert "network of ben" in legends
    assert "staple" not in legends
