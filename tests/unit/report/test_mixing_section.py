import re
import xml.etree.ElementTree as ElementTree

import pytest
from pages import Page, check_page
from report_builders import build_inputs

from overread.errors import InputError
from overread.evaluation.results import Estimate
from overread.evaluation.skill import Skill
from overread.questions.rater_bias.mixing_results import MixedNetwork, MixingEvaluation, ReferenceDice, SourceShift
from overread.questions.rater_bias.page.mixing import (
    build_mixing_section,
    choose_limits,
    draw_mixing_curve,
    locate_alone,
    locate_points,
    spread_marks,
    word_changes,
    word_full_shift,
    word_mixing_answer,
)
from overread.questions.rater_bias.page.mixing_tables import list_rows
from overread.questions.rater_bias.page.report import write_rater_bias_report
from overread.report.palette import assign_colours

NAN = float("nan")
RISE, FALL, FLAT = (0.05, 0.03, 0.07), (-0.02, -0.03, -0.01), (0.001, -0.004, 0.006)


def estimate(values, **changes):
    """Of 12 subjects, 3 folds and 2 repeats, unless its bounds are unknown: then of 4 subjects."""
    mean, low, high = values
    known = low == low
    given = {
        "standard_error": (high - low) / 4,
        "degrees_of_freedom": 10.0,
        "smallest_detectable": 0.04,
        "p_value": 0.004 if known else None,
        "subject_count": 12 if known else 4,
        "fold_count": 3,
        "repeat_count": 2,
        "run_std": 0.01,
        "obstacle": "" if known else "few subjects",
    }
    return Estimate(estimate=mean, low=low, high=high, **{**given, **changes})


def build_dice(mean, change=None, *, reference="ben", p=None):
    return ReferenceDice(
        reference=reference,
        mean=estimate((mean, mean - 0.03, mean + 0.03)) if mean else None,
        case_count=12 if mean else 0,
        change=estimate(change, p_value=p) if change else None,
        change_case_count=11 if change else 0,
        corrected_p=p and 2 * p,
    )


def build_shift(first, second, difference, **changes):
    return SourceShift(
        first_change=estimate(first),
        second_change=estimate(second),
        difference=estimate(difference, **changes),
        case_count=15,
    )


def build_mixing(**changes):
    ratios = {0.0: (0, 0), 0.5: (7, 8), 1.0: (15, 16)}
    networks = tuple(
        MixedNetwork(
            ratio=ratio,
            added_counts=counts,
            dice=(
                build_dice(0.80 - 0.02 * ratio, FALL if ratio else None, reference="ann", p=0.2 if ratio else None),
                build_dice(0.70 + 0.05 * ratio, RISE if ratio else None, p=0.004 if ratio else None),
            ),
        )
        for ratio, counts in ratios.items()
    )
    values = {
        "first": "ann",
        "second": "ben",
        "references": ("ann", "ben"),
        "networks": networks,
        "second_network": (build_dice(0.64, FALL, reference="ann"), build_dice(0.82, RISE)),
        "shift": build_shift(FALL, RISE, (0.07, 0.05, 0.09)),
        "full_shift": build_shift(FALL, RISE, (0.28, 0.25, 0.31)),
        "skills": {},
        "matters": 0.02,
        "subject_count": 12,
        "training_count": 24,
    }
    return MixingEvaluation(**{**values, **changes})


def answer(*shift, **changes):
    found = word_mixing_answer(build_mixing(shift=build_shift(*shift), **changes))
    return found.verdict, found.sentence.replace("\u00a0", " ")


def texts_of(figure):
    """Texts of a figure; fails where it is not well-formed XML."""
    root = ElementTree.fromstring(figure.svg)
    return [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]


def write_report(path, root, mixing, sources=("ann", "ben"), **changes):
    inputs = build_inputs(root, sources=sources)
    write_rater_bias_report(
        path,
        evaluation=inputs.evaluation.model_copy(update=changes),
        comparisons=inputs.comparisons,
        study=inputs.study,
        predictions=inputs.predictions,
        trainings=inputs.trainings,
        context=inputs.context,
        mixing=mixing,
    )
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html(tmp_path_factory):
    root = tmp_path_factory.mktemp("mixing")
    return write_report(root / "report.html", root, build_mixing())


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def changes_of(*shift, **changes):
    return word_changes(build_mixing(shift=build_shift(*shift), **changes)).replace("\u00a0", " ")


def test_a_shift_above_zero_is_told_as_a_move_towards_the_second_source():
    assert answer(FALL, RISE, (0.07, 0.05, 0.09)) == (
        "yes",
        "Yes: added labels of ben moved the networks towards ben, by 0.070 (95 % interval 0.050 to 0.090).",
    )
    _, sentence = answer(FALL, RISE, (0.07, 0.01, 0.13))
    assert sentence.endswith("It may be less than 0.02.")


def test_the_two_changes_are_told_without_a_verdict_of_their_own():
    assert changes_of(FALL, RISE, (0.07, 0.05, 0.09)) == (
        "With all training labels of ben (15 to 16 per fold) beside those of ann, Dice with ben changed by 0.050 "
        "(95 % interval 0.030 to 0.070) and Dice with ann by −0.020 (95 % interval −0.030 to −0.010) on 15 held-out "
        "cases of 12 subjects. The first change minus the second is the shift, by which the answer goes."
    )


def test_a_shift_below_zero_is_told_as_a_move_away():
    verdict, sentence = answer(RISE, FALL, (-0.07, -0.09, -0.05))
    assert verdict == "reversed"
    assert sentence == (
        "A difference was shown, but the wrong way round: added labels of ben moved the networks away from ben, −0.070 "
        "(95 % interval −0.090 to −0.050)."
    )


def test_a_move_that_is_only_relative_says_so():
    _, sentence = answer((-0.06, -0.08, -0.04), FALL, (0.04, 0.02, 0.06))
    assert sentence.startswith(
        "Yes: added labels of ben moved the networks towards ben, but only in comparison with ann,"
    )
    _, sentence = answer((0.09, 0.07, 0.11), RISE, (-0.04, -0.06, -0.02))
    assert "moved the networks away from ben, but only in comparison with ann, " in sentence


def test_a_shift_around_zero_cannot_be_told():
    verdict, sentence = answer(FLAT, RISE, (0.049, -0.01, 0.11))
    assert verdict == "not-shown"
    assert sentence == (
        "Cannot tell: 0.049 (95 % interval −0.010 to 0.110). A study like this finds a difference of about 0.040 three "
        "times out of four."
    )


def test_a_shift_below_what_matters_is_no_difference():
    verdict, sentence = answer(FLAT, FLAT, (0.004, 0.001, 0.007))
    assert verdict == "no-difference"
    assert "0.004 (95 % interval 0.001 to 0.007), below the 0.02 that this page calls a difference." in sentence


def test_too_few_subjects_give_no_verdict():
    verdict, sentence = answer(*[(0.02, NAN, NAN)] * 3)
    assert verdict == "not-shown"
    assert sentence.startswith("Cannot tell: fewer than 6 subjects were held out")
    assert "Dice with ben changed by 0.020 (no valid interval)" in changes_of(*[(0.02, NAN, NAN)] * 3)


def test_networks_trained_once_are_said_to_be():
    shift = build_shift(FLAT, RISE, (0.049, -0.01, 0.11), repeat_count=1, run_std=None)
    sentence = word_mixing_answer(build_mixing(shift=shift), noun="source").sentence
    assert "Every network was trained once, so the interval is wide." in sentence
    assert "folds=5 repeats=2 (10 trainings per source and per share of labels added)" in sentence


def test_networks_that_learnt_too_little_come_first():
    skills = {"ann": Skill(own=0.8, guess=0.3, raters=0.9), "ben": Skill(own=0.31, guess=0.3, raters=0.9)}
    evaluation = build_mixing(skills=skills)
    found = word_mixing_answer(evaluation)
    assert found.verdict == "no-answer"
    assert found.sentence.startswith("The networks learnt too little to show what a rater taught them: Dice 0.310 with")
    assert (word_changes(evaluation), word_full_shift(evaluation)) == ("", "")


def test_without_a_common_case_there_is_no_answer():
    evaluation = build_mixing(shift=None)
    found = word_mixing_answer(evaluation)
    assert found.verdict == "no-answer"
    assert "no held-out case was outlined by both ann and ben" in found.sentence
    assert word_changes(evaluation) == ""


def test_a_largest_ratio_below_1_is_named():
    sentence = changes_of(FALL, RISE, (0.07, 0.05, 0.09), networks=build_mixing().networks[:2])
    assert "With part of the training labels of ben (ratio 0.50, 7 to 8 per fold) beside those of ann" in sentence


def test_the_whole_way_is_told_where_it_is_known():
    assert word_full_shift(build_mixing()).replace("\u00a0", " ") == (
        "For comparison: the shift from the networks of ann alone to those of ben alone is 0.280 "
        "(95 % interval 0.250 to 0.310)."
    )
    assert word_full_shift(build_mixing(full_shift=None)) == ""


def test_rows_say_how_many_labels_of_how_many_were_added():
    assert [(row.labels, row.added) for row in list_rows(build_mixing())] == [
        ("ann alone", ""),
        ("ann + 0.50 ben", "labels per fold: 7 to 8 of 15 to 16"),
        ("ann + 1.00 ben", "labels per fold: all 15 to 16"),
        ("ben alone", ""),
    ]
    partial = build_mixing(networks=build_mixing().networks[:2], second_network=None)
    assert [row.added for row in list_rows(partial)] == ["", "labels per fold: 7 to 8"]


def test_a_reference_that_the_report_does_not_know_is_refused():
    with pytest.raises(InputError, match="must be sources of the report, got ben"):
        build_mixing_section(build_mixing(), assign_colours(("ann",)))


def test_marks_lie_at_the_ratios_and_those_of_the_second_network_beyond():
    evaluation = build_mixing()
    points = locate_points(evaluation, "ben")
    assert [(point.place, round(point.mean.estimate, 3)) for point in points] == [(0, 0.7), (0.5, 0.725), (1, 0.75)]
    alone = locate_alone(evaluation, "ben")
    assert alone.place > 1
    assert alone.mean.estimate == 0.82
    assert locate_alone(build_mixing(second_network=None), "ben") is None


def test_marks_are_moved_apart_evenly_and_by_little():
    assert spread_marks(build_mixing()) == pytest.approx([-0.015, 0.015])
    many = spread_marks(build_mixing(references=tuple("abcdefg")))
    assert sum(many) == pytest.approx(0)
    assert many[-1] - many[0] == pytest.approx(0.09)


def test_the_axis_reaches_beyond_every_bound():
    # Lowest bound 0.64 - 0.03, highest 0.82 + 0.03.
    low, high = choose_limits(build_mixing())
    assert 0.58 < low < 0.61
    assert 0.85 < high < 0.88


def test_the_curve_tells_its_numbers_in_words():
    figure = draw_mixing_curve(build_mixing(), assign_colours(("ann", "ben")))
    assert "Held-out Dice of networks of ann by the share of labels of ben added." in figure.alt
    assert "With ben: ratio 0.00 0.700 (0.670 to 0.730), ratio 0.50 0.725 (0.695 to 0.755)" in figure.alt
    assert "network of ben alone 0.820 (0.790 to 0.850)." in figure.alt
    assert {"0", "0.25", "0.5", "0.75", "1", "alone", "share of labels added"} <= set(texts_of(figure))


def test_the_curve_is_drawn_without_the_second_network_and_without_known_bounds():
    colours = assign_colours(("ann", "ben"))
    one = ReferenceDice.model_validate({**build_dice(0.7).model_dump(), "mean": estimate((0.7, NAN, NAN))})
    networks = [network.model_copy(update={"dice": (one, one)}) for network in build_mixing().networks]
    dice = {"references": ("ben", "ben"), "networks": tuple(networks), "second_network": None}
    figure = draw_mixing_curve(build_mixing(**dice), colours)
    assert "alone" not in texts_of(figure)
    assert "0.700 (interval unknown)" in figure.alt


def test_equal_input_gives_equal_bytes(html, tmp_path):
    assert write_report(tmp_path / "again.html", tmp_path, build_mixing()) == html


def test_the_section_opens_with_the_answer_and_shows_dice_and_changes(page):
    heading = "Mixed-source training: do labels of ben move the network of ann?"
    text = page.text[page.text.index(heading) :].replace("\u00a0", " ")
    assert text.removeprefix(heading).lstrip().startswith("Yes: added labels of ben moved the networks towards ben, by")
    assert "Held-out subjects12" in text
    assert "Trainings24 3 folds × 2 repeats" in text
    assert "The interval allows for two kinds of luck" in text
    assert re.search(r"ann \+ 1\.00 ben ?labels per fold: all 15 to 16", text)
    assert "0.750 0.720 to 0.780 change 0.050 (0.030 to 0.070) n = 12" in text
    assert "1.00 ben 0.050 (0.030 to 0.070) 11 p = 0.004 p = 0.008 rose" in text
    assert "1.00 ann −0.020 (−0.030 to −0.010) 11 p = 0.20 p = 0.40 cannot tell" in text


def test_the_papers_tables_stand_beside_it(page):
    assert "both, ratio 11/11 0.80 ± 0.08 0.79 ± 0.09" in page.text
    assert "both, ratio 5/16 0.82 ± 0.10 0.80 ± 0.07" in page.text


def test_the_page_stays_sound(page):
    check_page(page, links={"https://arxiv.org/abs/1906.11872"})
    assert "mixing" in page.ids
    assert "#mixing" in page.links


def test_cells_without_a_common_case_are_shown_as_such(tmp_path):
    absent = build_dice(None, reference="cid")
    networks = [network.model_copy(update={"dice": (*network.dice, absent)}) for network in build_mixing().networks]
    mixing = build_mixing(references=("ann", "ben", "cid"), networks=tuple(networks), second_network=None, shift=None)
    text = Page(write_report(tmp_path / "report.html", tmp_path, mixing, ("ann", "ben", "cid"))).text
    assert "– no common case" in text
    assert "Hollow:" not in text


def test_without_mixed_trainings_the_page_has_no_trace_of_them(html, tmp_path):
    plain = write_report(tmp_path / "report.html", tmp_path, None)
    start, end = html.index('<section id="mixing"'), html.index('<section id="outlines"')
    without = html[:start] + html[end:]
    assert without.replace('<a href="#mixing">Mixed-source training</a>\n', "") == plain


def test_a_consensus_has_a_colour_in_the_curve_though_it_is_no_rater(tmp_path):
    networks = tuple(
        network.model_copy(update={"dice": (*network.dice, build_dice(0.75, reference="staple"))})
        for network in build_mixing().networks
    )
    sources = ("ann", "ben", "staple")
    mixing = build_mixing(references=sources, networks=networks, second_network=None)
    html = write_report(tmp_path / "report.html", tmp_path, mixing, sources, raters=("ann", "ben"), pairs=())
    colour = assign_colours(sources)["staple"]
    assert re.search(rf"--colour:{colour}\"></span>with staple", html)
