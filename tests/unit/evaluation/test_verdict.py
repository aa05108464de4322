import math

import pytest

from overread.evaluation.results import Estimate, Obstacle
from overread.evaluation.verdict import Verdict, judge


def estimate(low: float, high: float, obstacle: Obstacle = "") -> Estimate:
    return Estimate(
        estimate=(low + high) / 2,
        low=math.nan if obstacle else low,
        high=math.nan if obstacle else high,
        standard_error=math.nan if obstacle else (high - low) / 4,
        degrees_of_freedom=10,
        smallest_detectable=0.05,
        p_value=None if obstacle else 0.01,
        subject_count=18,
        fold_count=5,
        repeat_count=2,
        obstacle=obstacle,
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.065, 0.107, "yes"),
        (0.001, 0.025, "yes"),
        (-0.003, 0.003, "no difference that matters"),
        (0.000003, 0.000281, "no difference that matters"),
        (-0.016, 0.036, "cannot tell"),
        (-0.016, 0.02, "cannot tell"),
        (-0.05, -0.01, "the wrong way round"),
        (-0.019, -0.01, "no difference that matters"),
    ],
)
def test_the_interval_decides_against_what_matters_and_then_against_zero(
    low: float, high: float, verdict: Verdict
) -> None:
    assert judge(estimate(low, high), matters=0.02) == verdict


def test_networks_that_learnt_too_little_say_nothing() -> None:
    assert judge(estimate(0.065, 0.107), matters=0.02, has_learnt=False) == "learnt too little"


def test_without_a_valid_interval_nothing_can_be_told() -> None:
    assert judge(estimate(0.065, 0.107, "few subjects"), matters=0.02) == "cannot tell"


@pytest.mark.parametrize(("p", "verdict"), [(0.05, "yes"), (0.0501, "cannot tell")])
def test_of_several_differences_the_corrected_p_must_be_small_too(p: float, verdict: Verdict) -> None:
    assert judge(estimate(0.065, 0.107), matters=0.02, corrected_p=p) == verdict
