import itertools
import math

import pandas as pd
import pytest
from retraining_builders import BOUNDS, CASES, build_comparisons, build_judgement, build_network, decide

from overread.evaluation.results import Interval
from overread.questions.retrain.gate.settings import GateSettings
from overread.questions.retrain.page.cases import collect_cases
from overread.questions.retrain.page.gate import (
    judge_difference,
    judge_load_bias,
    list_gate_checks,
    write_bias,
    write_difference,
)
from overread.questions.retrain.page.wording import word_reasons, write_day

NAN = math.nan


def build_interval(estimate, low, high):
    return Interval(estimate=estimate, low=low, high=high)


@pytest.mark.parametrize(
    ("values", "finding"),
    [
        ((0.00, -0.04, 0.04), "kept"),
        ((0.00, -0.05, 0.04), "kept"),
        ((-0.05, -0.06, 0.04), "unsure"),
        ((0.20, NAN, NAN), "unsure"),
        ((-0.06, -0.12, 0.04), "not kept"),
    ],
)
def test_a_dice_difference_is_judged_by_its_estimate_and_surely_so_by_its_lower_bound(values, finding):
    assert judge_difference(build_interval(*values), BOUNDS) == finding


@pytest.mark.parametrize(
    ("values", "finding"),
    [
        ((0.1, -0.5, 0.5), "kept"),
        ((0.1, -0.6, 0.2), "unsure"),
        ((0.1, -0.2, 0.6), "unsure"),
        ((0.1, NAN, NAN), "unsure"),
        ((0.6, 0.4, 0.8), "not kept"),
        ((-0.6, -0.8, -0.4), "not kept"),
    ],
)
def test_a_load_bias_is_judged_by_its_estimate_and_surely_so_by_both_bounds(values, finding):
    assert judge_load_bias(build_interval(*values), BOUNDS) == finding


def test_the_page_gives_as_many_reasons_as_the_gate():
    network, seen = build_network(), set()
    for dice, bias, one_subject in itertools.product((0.7, 0.755, 0.83), (0.1, 0.4999, 0.7), (False, True)):
        comparisons = build_comparisons(network, dice=dice, bias=bias, one_subject=one_subject)
        judged = build_judgement(network, comparisons)
        figures, findings = judged.figures, [check.finding for check in list_gate_checks(judged)]
        assert len(figures.reasons) == findings.count("not kept")
        assert len(figures.doubts) == findings.count("unsure")
        assert len(word_reasons(decide(judged))) == len(figures.reasons or figures.doubts)
        seen.update(findings)
    assert seen == {"kept", "unsure", "not kept", "not asked"}


def test_too_few_subjects_leave_nothing_else_to_ask():
    network = build_network()
    judged = build_judgement(network, build_comparisons(network), counted=CASES[:2])
    assert [check.finding for check in list_gate_checks(judged)] == ["kept", "unsure", "not asked", "not asked"]
    assert (len(judged.figures.doubts), len(word_reasons(decide(judged)))) == (1, 1)


@pytest.mark.parametrize(
    ("low", "written"),
    [
        (-0.0499, "−0.0499 to 0.0100"),
        (-0.05, "−0.050 to 0.010"),
        (-0.0503, "−0.0503 to 0.0100"),
        (-0.04, "−0.040 to 0.010"),
    ],
)
def test_a_difference_is_written_so_exactly_that_it_shows_on_which_side_of_the_margin_it_lies(low, written):
    assert write_difference(build_interval(0.0, low, 0.01), BOUNDS).bounds == written


def test_a_load_bias_is_written_in_percent_and_so_exactly_that_it_shows_the_limit_was_kept():
    written = write_bias(build_interval(-0.12, -0.49996, 0.1), BOUNDS)
    assert written.estimate.replace("\u00a0", " ") == "−12.000 %"
    assert written.bounds.replace("\u00a0", " ") == "−49.996 % to 10.000 %"


def test_a_margin_of_zero_is_written_without_a_sign():
    network = build_network()
    judged = build_judgement(network, build_comparisons(network), settings=GateSettings(dice_margin=0))
    assert list_gate_checks(judged)[2].bound == "0 or above"


def test_days_are_written_in_utc():
    assert write_day(0.0).replace("\u00a0", " ") == "1 January 1970"
    assert write_day(86399.0) == write_day(0.0)
    assert write_day(None) == "–"


def test_cases_come_with_the_largest_loss_first_and_equal_ones_by_name():
    network = build_network()
    comparisons = build_comparisons(network)
    cases = collect_cases(build_judgement(network, comparisons, counted=CASES[:6]), comparisons)
    # The challenger's Dice grows from case to case as much as the champion's falls.
    assert [case.case_id for case in cases] == list(CASES)
    assert cases[0].difference == pytest.approx(-0.04)
    assert [case.case_id for case in cases if not case.counts] == ["c06", "c07"]
    level = comparisons.assign(dice=0.8)
    shuffled = pd.concat([level[level["case_id"] == case] for case in reversed(CASES)])
    tied = collect_cases(build_judgement(network, shuffled), shuffled)
    assert [case.case_id for case in tied] == list(CASES)
