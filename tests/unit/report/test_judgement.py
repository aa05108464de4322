"""The words of a verdict: each outcome has its own, with the figures that it was reached by."""

import math

import pytest

from overread.evaluation.results import Estimate, Obstacle
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import judge
from overread.report.judgement import (
    LUCK,
    Advice,
    Claim,
    describe_luck,
    list_design,
    name_learnt_too_little,
    word_too_little,
    word_verdict,
    write_estimate,
)

CLAIM = Claim("the networks agree better with their own rater", "the networks agree less with their own rater", "Look.")


def estimate(mean: float, half: float, *, repeats: int = 2, obstacle: Obstacle = "") -> Estimate:
    spread = math.nan if obstacle else half
    return Estimate(
        estimate=mean,
        low=mean - spread,
        high=mean + spread,
        standard_error=spread / 2,
        degrees_of_freedom=12,
        smallest_detectable=1.6 * spread,
        p_value=None if obstacle else 0.01,
        subject_count=18,
        fold_count=5,
        repeat_count=repeats,
        run_std=None if repeats == 1 else 0.014,
        obstacle=obstacle,
    )


def word(found: Estimate, *, seconds: float | None = None) -> str:
    verdict = judge(found, matters=0.02)
    return word_verdict(verdict, found, claim=CLAIM, matters=0.02, advice=Advice(seconds=seconds)).sentence


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (
            estimate(0.086, 0.021),
            "Yes: the networks agree better with their own rater, by 0.086 (95\u00a0% interval 0.065 to 0.107).",
        ),
        (
            estimate(0.030, 0.021),
            "Yes: the networks agree better with their own rater, by 0.030 (95\u00a0% interval 0.009 to 0.051). "
            "It may be less than 0.02.",
        ),
        (
            estimate(-0.086, 0.021),
            "A difference was shown, but the wrong way round: the networks agree less with their own rater, −0.086 "
            "(95\u00a0% interval −0.107 to −0.065). Look.",
        ),
        (
            estimate(0.0001, 0.003),
            "No difference that matters: 0.0001 (95\u00a0% interval −0.0029 to 0.0031), below the 0.02 that this page "
            "calls a difference.",
        ),
        (
            estimate(0.010, 0.026),
            "Cannot tell: 0.010 (95\u00a0% interval −0.016 to 0.036). A study like this finds a difference of about "
            "0.042 three times out of four.",
        ),
    ],
)
def test_every_outcome_is_worded_with_its_figures(found: Estimate, words: str) -> None:
    assert word(found) == words


def test_a_wide_interval_of_single_trainings_comes_with_what_would_tell() -> None:
    said = word(estimate(0.05, 0.10, repeats=1), seconds=7200)
    assert said.endswith(
        "Every network was trained once, so the interval is wide. Run with folds=5 repeats=2 (10 trainings per source, "
        "about 2 h one after the other)."
    )


@pytest.mark.parametrize(
    ("obstacle", "reason", "advice"),
    [
        ("few subjects", "fewer than 6 subjects", "Hold out 6 subjects or more."),
        ("few trainings", "too few to tell a difference from luck", "Run with folds=5 repeats=2"),
        ("many folds", "more than 5 folds", "Run with folds=5 repeats=2"),
    ],
)
def test_without_an_interval_the_reason_and_the_way_out_are_said(obstacle: Obstacle, reason: str, advice: str) -> None:
    said = word(estimate(0.05, 0.01, obstacle=obstacle))
    assert said.startswith("Cannot tell: ")
    assert reason in said
    assert advice in said
    assert "0.050 (no valid interval)" in said


def test_networks_that_learnt_too_little_are_set_against_a_guess_and_the_raters() -> None:
    skills = {"expert1": Skill(own=0.9, guess=0.3, raters=0.9), "crowd4": Skill(own=0.3, guess=0.295, raters=0.895)}
    assert name_learnt_too_little(skills) == "crowd4"
    assert word_too_little(skills).sentence == (
        "The networks learnt too little to show what a rater taught them: Dice 0.300 with crowd4, their own rater; a "
        "mask that ignores the image gets 0.295, the raters agree at 0.895. No verdict."
    )


def test_the_design_says_what_it_rests_on_and_what_it_could_find() -> None:
    keys = {
        key.title: (key.value, *key.notes) for key in list_design(estimate(0, 0.02), training_count=20, matters=0.02)
    }
    assert keys["Held-out subjects"] == ("18",)
    assert keys["Trainings"] == ("20", "5 folds × 2 repeats")
    assert keys["Smallest detectable difference"][0] == "0.032"
    assert keys["Luck of one training"][0] == "0.014"
    assert keys["Counts as a difference"] == ("0.02",)


def test_an_estimate_without_a_valid_interval_shows_none() -> None:
    assert write_estimate(estimate(0.05, 0.01, obstacle="few subjects")) == "0.050 (no valid interval)"


def test_what_an_interval_allows_for_is_said_as_it_was_measured() -> None:
    assert describe_luck(estimate(0.1, 0.02)) == LUCK
    assert "Every network was trained once" in describe_luck(estimate(0.1, 0.02, repeats=1))
    assert describe_luck(estimate(0.1, 0.02, obstacle="few trainings")).startswith("No interval is given")
