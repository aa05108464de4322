"""A 95 % interval leaves out a true value of 0 in about 5 % of studies, whatever luck their trainings had."""

from functools import partial

import numpy as np
import pytest

from overread.evaluation.estimate import estimate_mean, pool_run_variance
from overread.evaluation.verdict import DICE_THAT_MATTERS, judge
from tests.statistics.scenarios import (
    TRIALS,
    Design,
    Spread,
    bootstrap_subjects,
    draw_equal_label_noise,
    draw_exchangeable_raters,
    draw_study,
    measure_error,
)

EVERYWHERE, NAMED = 0.07, 0.05
NAMED_DESIGNS = (Design(18, 5, 2), Design(35, 5, 2), Design(18, 3, 3), Design(60, 3, 3))


@pytest.mark.parametrize("run", [0.0, 0.02])
@pytest.mark.parametrize("design", [*NAMED_DESIGNS, Design(8, 3, 3), Design(18, 3, 1), Design(60, 3, 1)], ids=str)
def test_a_difference_that_is_none_is_found_in_one_study_of_twenty(design: Design, run: float) -> None:
    error = measure_error(partial(draw_study, design=design, spread=Spread(run=run)))
    assert error <= (NAMED if design in NAMED_DESIGNS and run else EVERYWHERE)


@pytest.mark.parametrize("design", [Design(18, 3, 3), Design(35, 5, 2)], ids=str)
def test_rounds_that_differ_beyond_their_trainings_are_allowed_for(design: Design) -> None:
    error = measure_error(partial(draw_study, design=design, spread=Spread(run=0.015, fold=0.02)))
    assert error <= EVERYWHERE


@pytest.mark.parametrize("draw", [draw_exchangeable_raters, draw_equal_label_noise])
@pytest.mark.parametrize("seed_std", [0.0, 0.15])
@pytest.mark.parametrize("design", [Design(20, 3, 3), Design(40, 5, 2)], ids=str)
def test_training_cases_that_rounds_share_are_allowed_for(draw, design: Design, seed_std: float) -> None:
    assert measure_error(partial(draw, design=design, seed_std=seed_std)) <= EVERYWHERE


@pytest.mark.parametrize("run", [0.01, 0.02])
def test_equal_regimes_of_independent_trainings_are_told_apart_in_one_study_of_twenty(run: float) -> None:
    spread = Spread(run=run * 2**0.5)
    assert measure_error(partial(draw_study, design=Design(18, 3, 2), spread=spread)) <= NAMED


@pytest.mark.parametrize("conditions", [4, 8])
def test_on_one_split_the_luck_of_training_is_measured_over_all_conditions(conditions: int) -> None:
    rng, rejected = np.random.default_rng(5), 0
    for _ in range(TRIALS):
        drawn = [draw_study(rng, Design(40, 1, 2), Spread(run=0.02)) for _ in range(conditions)]
        runs = pool_run_variance(drawn)
        assert runs is not None
        rejected += estimate_mean(drawn[0] - drawn[1], run_variance=runs.scale(2)).excludes_zero
    assert rejected / TRIALS <= EVERYWHERE


@pytest.mark.parametrize(
    "draw",
    [
        partial(draw_study, design=Design(18, 3, 1), spread=Spread(run=0.02)),
        partial(draw_study, design=Design(18, 5, 2), spread=Spread(run=0.02)),
        partial(draw_study, design=Design(60, 3, 3), spread=Spread(run=0.03)),
        partial(draw_study, design=Design(35, 5, 2), spread=Spread(run=0.015, fold=0.02)),
        partial(draw_exchangeable_raters, design=Design(20, 3, 3), seed_std=0.0),
        partial(draw_equal_label_noise, design=Design(20, 3, 3), seed_std=0.0),
    ],
    ids=["once", "named", "large", "rounds", "raters", "labels"],
)
def test_the_bootstrap_over_subjects_breaks_each_of_these_bounds(draw) -> None:
    assert measure_error(draw, bootstrap_subjects) > EVERYWHERE
    assert measure_error(draw) <= EVERYWHERE


def test_a_difference_of_the_size_that_a_design_detects_is_found_in_about_three_of_four_studies() -> None:
    rng, design, found = np.random.default_rng(3), Design(35, 5, 2), 0
    for _ in range(TRIALS):
        scores = draw_study(rng, design, Spread(run=0.02))
        detectable = estimate_mean(scores).smallest_detectable
        found += estimate_mean(draw_study(rng, design, Spread(run=0.02)) + detectable).low > 0
    assert 0.65 <= found / TRIALS <= 0.88


def test_a_difference_as_large_as_what_matters_is_hardly_ever_called_none() -> None:
    rng, called = np.random.default_rng(4), 0
    for _ in range(TRIALS):
        scores = draw_study(rng, Design(60, 5, 2), Spread(run=0.01)) + DICE_THAT_MATTERS
        called += judge(estimate_mean(scores), matters=DICE_THAT_MATTERS) == "no difference that matters"
    assert called / TRIALS <= 0.025
