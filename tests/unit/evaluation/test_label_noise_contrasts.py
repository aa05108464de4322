"""Contrasts of trainings: their weights, the run variance that they pool, and how often they err."""

import math

import numpy as np
import pytest

from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.contrasts import TrainingScores, average, subtract, sum_squares
from overread.questions.label_noise.scores import contrast_loss
from overread.questions.label_noise.slopes import contrast_slope, pool_slopes

LEVELS = {"natural-0.90": 0.9, "natural-0.80": 0.8, "choppy-0.80": 0.8, "random-0.80": 0.8}
VARIANTS = [
    LabelVariant(name="control", mode="control", target_dice=1, achieved_dice=1),
    *(
        LabelVariant(name=name, mode=name.split("-")[0], target_dice=level, achieved_dice=level)
        for name, level in LEVELS.items()
    ),
]
SUBJECTS = ("a", "b", "c", "d", "e", "f")
ONE_SPLIT = (0,) * 6


def fill(networks, values):
    return {(network, variant.name): np.array(values) for network in networks for variant in VARIANTS}


@pytest.fixture(scope="module")
def two_networks():
    return TrainingScores.build(fill(("unet", "segnet"), [[0.8, 0.8]] * 6), SUBJECTS, ONE_SPLIT)


def test_the_weights_of_losses_and_slopes_have_the_sums_of_squares_of_their_formula(two_networks):
    assert sum_squares(contrast_loss("unet", "random-0.80")) == 2
    losses = [contrast_loss(network, "random-0.80") for network in ("unet", "segnet")]
    # Four trainings with ± 1 / 2.
    assert sum_squares(average(losses)) == pytest.approx(1)
    natural = contrast_slope(two_networks, "unet", "natural", VARIANTS)
    # Levels 1 0.9 0.8: deviations 0.1 0 -0.1 over their squares' sum 0.02, so 5 0 -5 and 1 / 0.02.
    assert list(natural.values()) == pytest.approx([5, 0, -5])
    assert sum_squares(natural) == pytest.approx(50)
    assert sum_squares(pool_slopes(two_networks, ("unet", "segnet"), "natural", VARIANTS)) == pytest.approx(25)


def test_weights_that_meet_on_the_control_add_up_before_they_are_squared(two_networks):
    boundary = contrast_slope(two_networks, "unet", "boundary", VARIANTS)
    # Natural 5 0 -5 and choppy 5 -5, halved: the control has 5 / 2 twice.
    assert boundary == pytest.approx(
        {
            ("unet", "control"): 5,
            ("unet", "natural-0.90"): 0,
            ("unet", "natural-0.80"): -2.5,
            ("unet", "choppy-0.80"): -2.5,
        }
    )
    difference = subtract(contrast_slope(two_networks, "unet", "random", VARIANTS), boundary)
    # The control cancels: -5 for random, 2.5 for each boundary mode.
    assert difference["unet", "control"] == pytest.approx(0)
    assert sum_squares(difference) == pytest.approx(37.5)
    assert subtract({}, boundary) == average([{}, {}]) == {}


def test_the_run_variance_is_pooled_over_conditions_and_folds():
    control = np.array([[0.8, 0.9]] * 3 + [[0.7, 0.7]] * 3)
    changed = np.array([[0.5, 0.7]] * 3 + [[0.6, np.nan]] * 3)
    scores = TrainingScores.build({("unet", "control"): control, ("unet", "x"): changed}, SUBJECTS, (0, 0, 0, 1, 1, 1))
    # Squares about the mean 0.05² × 2, 0, 0.1² × 2; the fold with a single network adds nothing.
    assert scores.runs.variance == pytest.approx((0.005 + 0 + 0.02) / 3)
    assert scores.runs.degrees_of_freedom == 3


def test_a_loss_on_one_split_has_twice_the_run_variance_over_the_repeats():
    steps = np.array([0.01, 0.02, 0.03] * 2)[:, None]
    values = {
        ("unet", "control"): np.full((6, 2), 0.8) + np.array([0.01, -0.01]),
        ("unet", "x"): np.full((6, 2), 0.7) + np.array([0.02, -0.02]) - steps,
        ("fcn32", "control"): np.full((6, 2), 0.6),
        ("fcn32", "x"): np.full((6, 2), 0.6),
    }
    scores = TrainingScores.build(values, SUBJECTS, ONE_SPLIT)
    # Squares 2 × 0.01² + 2 × 0.02² over four degrees of freedom.
    assert scores.runs.variance == pytest.approx(0.00025)
    loss = scores.estimate(contrast_loss("unet", "x"))
    assert loss.estimate == pytest.approx(0.12)
    # Subjects 4 × 0.01² / 5 / 6, trainings 2 × 0.00025 / 2.
    assert loss.standard_error == pytest.approx(math.sqrt(8e-5 / 6 + 0.00025))
    assert loss.is_valid


def test_three_conditions_of_two_repeats_are_too_few_for_one_split_and_enough_for_folds():
    values = {("unet", name): np.full((6, 2), 0.8) for name in ("control", "x", "y")}
    single = TrainingScores.build(values, SUBJECTS, ONE_SPLIT).estimate(contrast_loss("unet", "x"))
    folded = TrainingScores.build(values, SUBJECTS, (0, 1, 2) * 2).estimate(contrast_loss("unet", "x"))
    assert (single.obstacle, folded.obstacle) == ("few trainings", "")


def test_failed_trainings_of_different_repeats_leave_the_repeats_that_both_conditions_have():
    control, changed = np.full((6, 3), 0.8), np.full((6, 3), 0.7)
    control[:3, 0] = np.nan
    changed[:3, 2] = np.nan
    changed[3:] = np.nan
    scores = TrainingScores.build({("unet", "control"): control, ("unet", "x"): changed}, SUBJECTS, (0, 0, 0, 1, 1, 1))
    loss = scores.estimate(contrast_loss("unet", "x"))
    # The second fold has no network of the variant; the first has two of each.
    assert (loss.subject_count, loss.repeat_count) == (3, 2)
    assert loss.estimate == pytest.approx(0.1)
    assert scores.count_cases(contrast_loss("unet", "x")) == 3
    assert scores.estimate(contrast_loss("unet", "absent")) is None


def test_a_network_with_enough_repeats_has_a_run_variance_of_its_own():
    shift = {"unet": 0.01, "segnet": 0.02}
    values = {
        (network, f"x{place}"): np.full((6, 2), 0.8) + np.array([size, -size])
        for network, size in shift.items()
        for place in range(4)
    }
    scores = TrainingScores.build(values, SUBJECTS, ONE_SPLIT)
    # Two repeats at ± size: 2 size² for each of four degrees of freedom; a loss has twice that.
    unet, segnet = ({(network, "x0"): 1.0, (network, "x1"): -1.0} for network in shift)
    assert scores.measure_runs(unet).variance == pytest.approx(4e-4)
    assert scores.measure_runs(segnet).variance == pytest.approx(16e-4)
    assert scores.measure_runs(segnet).degrees_of_freedom == 4
    both = scores.measure_runs(subtract(unet, segnet))
    # 20² / ((4² + 16²) / 4) = 5.88 degrees of freedom, rounded down.
    assert (both.variance, both.degrees_of_freedom) == (pytest.approx(20e-4), 5)
    few = TrainingScores.build({key: values[key] for key in list(values)[1:]}, SUBJECTS, ONE_SPLIT)
    # Three sets of labels on the U-Net are too few, so (3 × 2 + 4 × 8) e-4 / 7 for it.
    assert few.measure_runs({("unet", "x1"): 1.0}).variance == pytest.approx(38e-4 / 7)


def draw(rng, *, networks, folds, subjects, run_std=0.02):
    """Conditions that differ by nothing but luck: of the subject, of the training, and of both."""
    fold_of = np.arange(subjects) % folds
    own = rng.normal(0.8, 0.08, (subjects, 1))
    values = {}
    for network in networks:
        for variant in VARIANTS:
            shift = rng.normal(0, run_std, (folds, 2))
            between = rng.normal(0, 0.03, (subjects, 1))
            values[network, variant.name] = own + between + shift[fold_of] + rng.normal(0, 0.02, (subjects, 2))
    return TrainingScores.build(values, [f"s{place:02}" for place in range(subjects)], fold_of)


@pytest.mark.parametrize(
    ("networks", "folds", "subjects"), [(("unet",), 1, 40), (("unet", "segnet"), 1, 12), (("unet", "segnet"), 3, 18)]
)
def test_without_an_effect_losses_slopes_and_differences_err_as_rarely_as_they_say(networks, folds, subjects):
    rng = np.random.default_rng(16)
    trials, errors = 400, np.zeros(3)
    first = draw(rng, networks=networks, folds=folds, subjects=subjects)
    slopes = [pool_slopes(first, networks, mode, VARIANTS) for mode in ("natural", "random", "boundary")]
    contrasts = (contrast_loss("unet", "random-0.80"), slopes[0], subtract(slopes[1], slopes[2]))
    for _ in range(trials):
        scores = draw(rng, networks=networks, folds=folds, subjects=subjects)
        errors += [scores.estimate(contrast).excludes_zero for contrast in contrasts]
    assert (errors / trials <= 0.07).all(), errors / trials
