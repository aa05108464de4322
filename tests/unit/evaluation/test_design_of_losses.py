"""What a study of losses will find, and the small figures of the ground floor that it needs."""

import math

import pytest
from scipy import stats

from overread.evaluation.design import foresee_loss
from overread.evaluation.results import Estimate
from overread.evaluation.skill import Skill, average_skills
from pipelines.label_noise import DESCRIPTION


def test_a_loss_has_the_run_variance_of_two_trainings_with_pooled_degrees_of_freedom():
    found = foresee_loss(16, folds=1, repeats=2, conditions=5, subject_std=0.04, run_std=0.01)
    # 0.04² / 16 + 2 · 0.01² / 2 = 2e-4; degrees of freedom 4e-8 / (1e-8 / 15 + 1e-8 / 5) = 15.
    quantiles = stats.t.ppf(0.975, 15) + stats.t.ppf(0.9, 15)
    assert found.smallest_detectable == pytest.approx(math.sqrt(2e-4) * quantiles)
    folded = foresee_loss(16, folds=4, repeats=2, conditions=5, subject_std=0.04, run_std=0.02)
    # Four times the variance over four folds; degrees of freedom 4e-8 / (1e-8 / 15 + 1e-8 / 20).
    df = 4 / (1 / 15 + 1 / 20)
    quantiles = stats.t.ppf(0.975, df) + stats.t.ppf(0.9, df)
    assert folded.smallest_detectable == pytest.approx(math.sqrt(2e-4) * quantiles)


@pytest.mark.parametrize(
    ("subjects", "folds", "repeats", "conditions", "has_interval"),
    [
        (30, 1, 2, 3, False),
        (30, 1, 2, 4, True),
        (30, 1, 1, 30, False),
        (30, 2, 1, 30, False),
        (30, 3, 1, 2, True),
        (5, 3, 2, 10, False),
        (30, 6, 2, 10, False),
    ],
)
def test_designs_without_a_valid_interval_find_nothing(subjects, folds, repeats, conditions, has_interval):
    found = foresee_loss(subjects, folds=folds, repeats=repeats, conditions=conditions)
    assert (found.smallest_detectable is not None) == has_interval


@pytest.mark.parametrize(
    ("design", "told"),
    [
        ((18, 3, 2), "about 0.04 Dice with 18 subjects and folds=3 repeats=2"),
        ((35, 5, 2), "about 0.03 with 35 subjects and folds=5 repeats=2"),
        ((30, 1, 2), "about 0.05 with 30 held-out subjects of one split and repeats=2"),
    ],
)
def test_the_run_form_of_label_noise_tells_what_ten_sets_of_labels_can_find(design, told):
    subjects, folds, repeats = design
    found = foresee_loss(subjects, folds=folds, repeats=repeats, conditions=10).smallest_detectable
    assert f"about {found:.2f} " in told
    assert told in " ".join(DESCRIPTION.split())


def test_an_estimate_is_scaled_with_its_interval_and_its_sign():
    estimate = Estimate(
        estimate=0.3,
        low=-0.1,
        high=0.7,
        standard_error=0.2,
        degrees_of_freedom=9,
        smallest_detectable=0.6,
        p_value=0.1,
        subject_count=10,
        fold_count=3,
        repeat_count=2,
        run_std=0.05,
    )
    turned = estimate.scale(-0.5)
    assert (turned.estimate, turned.low, turned.high) == pytest.approx((-0.15, -0.35, 0.05))
    assert (turned.standard_error, turned.smallest_detectable, turned.run_std) == pytest.approx((0.1, 0.3, 0.025))
    assert (turned.p_value, turned.degrees_of_freedom) == (0.1, 9)


def test_the_skill_of_repeats_is_that_of_their_mean_figures():
    found = average_skills([Skill(own=0.6, guess=0.2), Skill(own=0.8, guess=0.3)])
    assert (found.own, found.guess, found.raters) == (pytest.approx(0.7), pytest.approx(0.25), None)
    assert found.value == pytest.approx(0.6)
