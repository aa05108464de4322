import math
from itertools import cycle, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError
from overread.evaluation.results import Estimate, Interval
from overread.evaluation.skill import Skill
from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.evaluation import NoiseDesign, summarise_label_noise
from overread.questions.label_noise.findings import CLAIMS, RULES, judge_claim, judge_harmless, write_estimate, write_p
from overread.questions.label_noise.results import (
    ALL_NETWORKS,
    DICE_COLUMNS,
    LabelNoiseEvaluation,
    MissingTraining,
    name_architecture,
)
from overread.questions.label_noise.scores import compute_repeat_std
from overread.questions.label_noise.slopes import fit_slopes

CASES = ("a-1", "b-1", "c-1", "d-1", "e-1", "f-1")
"""The last three have the values of the first three, so that means are those of three."""
VARIANTS = {
    variant.name: variant
    for variant in (
        LabelVariant(name="control", mode="control", target_dice=1.0, achieved_dice=1.0),
        LabelVariant(name="natural-0.90", mode="natural", target_dice=0.9, achieved_dice=0.9),
        LabelVariant(name="natural-0.80", mode="natural", target_dice=0.8, achieved_dice=0.8),
        LabelVariant(name="choppy-0.80", mode="choppy", target_dice=0.8, achieved_dice=0.8),
        LabelVariant(name="random-0.80", mode="random", target_dice=0.8, achieved_dice=0.8),
    )
}
CONTROL = [0.90, 0.92, 0.88] * 2
T_5 = 2.570582
"""Quantile .975 of Student's t with 5 degrees of freedom."""


@pytest.fixture
def study(make_study):
    return make_study({"truth": dict.fromkeys(CASES, 3)}, CASES)


DECISION = (0.5, 0.9, 12.0, 10.0)
"""Best threshold, Dice there, predicted load and true load, where a test is about none of them."""


def make_dice(scores, cases=CASES, folds=1, decision_of=None):
    """A table of the Dice of each case per (network, variant), or of a list of these per repeat; None is no row.

    Args:
        decision_of: the last four columns by network, variant, repeat and place of the case.
    """
    rows = []
    for (network, variant), by_repeat in scores.items():
        repeats = by_repeat if isinstance(by_repeat[0], list) else [by_repeat]
        for repeat, column in enumerate(repeats):
            for place, (case_id, dice) in enumerate(zip(cases, column, strict=True)):
                if dice is not None:
                    decision = decision_of(network, variant, repeat, place) if decision_of else DECISION
                    subject = case_id.split("-")[0]
                    rows.append((network, variant, repeat, case_id, subject, place % folds, dice, *decision))
    return pd.DataFrame(rows, columns=list(DICE_COLUMNS))


def evaluate(
    study, scores, *, missing=(), folds=1, repeats=1, cases=CASES, skills=None, matters=0.02, decision_of=None
):
    """Evaluate; `repeats` multiplies scores that are given for one."""
    networks = tuple(dict.fromkeys(network for network, _ in scores))
    variants = [VARIANTS[name] for name in dict.fromkeys(variant for _, variant in scores)]
    design = NoiseDesign("truth", tuple(variants), networks, "never", folds, repeats)
    spread = {key: found if isinstance(found[0], list) else [found] * repeats for key, found in scores.items()}
    return summarise_label_noise(
        make_dice(spread, cases, folds, decision_of),
        study=study,
        design=design,
        skills=dict.fromkeys(networks, Skill(own=0.9, guess=0.1)) if skills is None else skills,
        missing=missing,
        matters=matters,
    )


def lower(values, *steps):
    return [value - step for value, step in zip(values, cycle(steps))]


def find(evaluation, key, network=None):
    return next(finding for finding in evaluation.findings if finding.key == key and network in (None, finding.network))


def test_slopes_are_fitted_over_the_control_and_the_levels_of_a_mode(study):
    # Over label Dice 1, 0.9, 0.8: test Dice falls by 0.05, 0.07, 0.09 per step of 0.1, so the slopes are 0.5 0.7 0.9.
    first, second = lower(CONTROL, 0.05, 0.07, 0.09), lower(CONTROL, 0.10, 0.14, 0.18)
    scores = {("unet", "control"): CONTROL, ("unet", "natural-0.90"): first, ("unet", "natural-0.80"): second}
    (slope,) = evaluate(study, scores, repeats=3).slopes
    assert (slope.network, slope.mode, slope.case_count) == ("unet", "natural", 6)
    assert slope.variants == ("control", "natural-0.90", "natural-0.80")
    assert slope.slope.estimate == pytest.approx(0.7)
    # Equal repeats, so subjects alone differ: variance 4 × 0.2² / 5.
    assert slope.slope.high - 0.7 == pytest.approx(T_5 * math.sqrt(0.032 / 6))


def test_a_least_squares_slope_weighs_far_levels_more_than_near_ones():
    # x - mean = 0.1 0 -0.1; slope = (0.1 × 0.9 - 0.1 × 0.6) / 0.02 = 1.5, whatever the middle is.
    assert fit_slopes([1.0, 0.9, 0.8], np.array([[0.9, 0.1, 0.6], [0.5, 0.5, 0.5]])) == pytest.approx([1.5, 0.0])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=6))
def test_the_mean_of_the_slopes_is_the_slope_of_the_mean(rows):
    levels, dice = [1.0, 0.93, 0.85], np.array(rows)
    expected = np.polyfit(levels, dice.mean(axis=0), 1)[0]
    assert fit_slopes(levels, dice).mean() == pytest.approx(expected, abs=1e-9)


def test_losses_are_control_minus_variant_of_the_same_cases(study):
    scores = {("unet", "control"): CONTROL, ("unet", "natural-0.80"): lower(CONTROL, 0.01, 0.02, 0.03)}
    cell = evaluate(study, scores, repeats=3).find_cell("unet", "natural-0.80")
    assert cell.mean.estimate == pytest.approx(0.88)
    assert cell.loss.estimate == pytest.approx(0.02)
    assert cell.loss_case_count == 6
    # Variance 4 × 0.01² / 5, so t = 0.02 / √(8e-5 / 6) = √30 with 5 degrees of freedom.
    assert cell.loss.high - 0.02 == pytest.approx(T_5 * 0.02 / 30**0.5)
    assert cell.loss_p_holm == cell.loss.p_value == pytest.approx(0.002765, abs=1e-6)
    assert cell.verdict == "yes"
    # 0.89 0.90 0.85 around 0.88, twice.
    assert cell.std == pytest.approx((2 * 0.0014 / 5) ** 0.5)


def test_the_control_has_no_loss_and_no_test(study):
    cell = evaluate(study, {("unet", "control"): CONTROL}).find_cell("unet", "control")
    assert cell.mean.estimate == pytest.approx(0.9)
    assert (cell.loss, cell.loss_case_count, cell.loss_p_holm, cell.verdict) == (None, 0, None, None)


def test_p_values_are_corrected_over_all_networks_and_variants(study):
    scores = {
        ("unet", "control"): CONTROL,
        ("unet", "natural-0.80"): lower(CONTROL, 0.01, 0.02, 0.03),
        ("unet", "random-0.80"): lower(CONTROL, -0.03, 0.05, 0.02),
        ("segnet", "control"): CONTROL,
        ("segnet", "natural-0.80"): lower(CONTROL, 0.01, 0.02, 0.03),
    }
    evaluation = evaluate(study, scores, repeats=2)
    for network in ("unet", "segnet"):
        cell = evaluation.find_cell(network, "natural-0.80")
        assert cell.loss_p_holm == pytest.approx(3 * cell.loss.p_value)
    unsure = evaluation.find_cell("unet", "random-0.80")
    assert unsure.loss_p_holm == unsure.loss.p_value > 0.05
    assert unsure.verdict == "cannot tell"


def test_a_case_counts_with_its_mean_over_repeats(study):
    scores = {("unet", "control"): [[0.8, 0.9, 0.7] * 2, [0.6, 0.9, 0.8] * 2]}
    cell = evaluate(study, scores, repeats=2).find_cell("unet", "control")
    # Means per case 0.7 0.9 0.75; means per repeat 0.8 and 2.3 / 3.
    assert cell.mean.estimate == pytest.approx(2.35 / 3)
    assert cell.repeat_std == pytest.approx((0.8 - 2.3 / 3) / 2**0.5)
    assert (cell.case_count, cell.training_count, cell.missing_count) == (6, 2, 0)


def test_repeats_are_compared_over_the_cases_that_all_of_them_have():
    # Only the first two cases are complete: means 0.8 and 0.6, so the deviation is 0.2 / √2.
    by_repeat = pd.DataFrame({0: [0.7, 0.9, 0.1], 1: [0.5, 0.7, np.nan]})
    assert compute_repeat_std(by_repeat) == pytest.approx(0.2 / 2**0.5)
    assert compute_repeat_std(by_repeat[[0]]) is None
    assert compute_repeat_std(by_repeat.tail(1)) is None


def test_missing_trainings_are_counted_and_not_averaged_in(study):
    missing = [MissingTraining(network="unet", variant="natural-0.80", fold=1, repeat=0, reason="out of memory")]
    scores = {("unet", "control"): CONTROL, ("unet", "natural-0.80"): [0.80, 0.82, None] * 2}
    evaluation = evaluate(study, scores, missing=missing, folds=3)
    cell = evaluation.find_cell("unet", "natural-0.80")
    assert (cell.case_count, cell.loss_case_count, cell.training_count, cell.missing_count) == (4, 4, 2, 1)
    assert cell.mean.estimate == pytest.approx(0.81)
    assert cell.loss.estimate == pytest.approx(0.10)
    assert evaluation.slopes[0].slope.estimate == pytest.approx(0.5)
    assert evaluation.slopes[0].case_count == 4
    assert evaluation.missing[0].reason == "out of memory"


def test_a_cell_without_any_network_has_no_numbers_and_is_no_level(study):
    variants = tuple(VARIANTS[name] for name in ("control", "natural-0.90", "natural-0.80"))
    design = NoiseDesign("truth", variants, ("unet",), "never", folds=1, repeats=1)
    missing = [MissingTraining(network="unet", variant="natural-0.90", fold=0, repeat=0, reason="failed")]
    dice = make_dice({("unet", "control"): CONTROL, ("unet", "natural-0.80"): lower(CONTROL, 0.1, 0.1, 0.1)})
    evaluation = summarise_label_noise(dice, study=study, design=design, skills={}, missing=missing)
    cell = evaluation.find_cell("unet", "natural-0.90")
    assert (cell.mean, cell.std, cell.loss, cell.case_count, cell.training_count) == (None, None, None, 0, 0)
    assert evaluation.slopes[0].variants == ("control", "natural-0.80")
    assert evaluation.slopes[0].slope.estimate == pytest.approx(0.5)


def test_a_mode_without_two_different_levels_has_no_slope(study):
    scores = {("unet", "natural-0.80"): CONTROL, ("segnet", "control"): CONTROL}
    evaluation = evaluate(study, scores)
    assert [entry.slope for entry in evaluation.slopes] == [None, None]
    assert evaluation.find_pooled_slope("natural") is None
    assert evaluation.find_pooled_slope("random") is None
    assert find(evaluation, "boundary_hurts").verdict == "not tested"


def test_pooled_slopes_average_the_networks_and_the_boundary_modes(study):
    # Slopes: U-Net natural 0.5 and choppy 0.3, SegNet natural 0.7 and choppy 0.9; boundary 0.4 and 0.8.
    scores = {("unet", "control"): CONTROL, ("segnet", "control"): CONTROL}
    for network, natural, choppy in (("unet", 0.10, 0.06), ("segnet", 0.14, 0.18)):
        scores[network, "natural-0.80"] = lower(CONTROL, *[natural] * 3)
        scores[network, "choppy-0.80"] = lower(CONTROL, *[choppy] * 3)
    evaluation = evaluate(study, scores)
    assert [entry.mode for entry in evaluation.pooled_slopes] == ["natural", "choppy", "boundary"]
    assert all(entry.network == ALL_NETWORKS for entry in evaluation.pooled_slopes)
    assert evaluation.find_pooled_slope("natural").estimate == pytest.approx(0.6)
    assert evaluation.find_pooled_slope("choppy").estimate == pytest.approx(0.6)
    assert evaluation.find_pooled_slope("boundary").estimate == pytest.approx(0.6)


def test_pooling_keeps_to_the_cases_that_every_network_has(study):
    scores = {
        ("unet", "control"): CONTROL,
        ("unet", "natural-0.80"): lower(CONTROL, 0.1, 0.2, 0.3),
        ("segnet", "control"): CONTROL,
        ("segnet", "natural-0.80"): [0.80, None, None] * 2,
    }
    pooled = evaluate(study, scores, folds=3).pooled_slopes[0]
    assert (pooled.case_count, pooled.slope.estimate) == (2, pytest.approx(0.5))


def interval(low, high):
    return Interval(estimate=(low + high) / 2, low=low, high=high)


def effect(low, high, obstacle=""):
    return Estimate(
        estimate=0.5 if obstacle else (low + high) / 2,
        low=low,
        high=high,
        standard_error=math.nan if obstacle else (high - low) / 4,
        degrees_of_freedom=20,
        smallest_detectable=0.1,
        p_value=None if obstacle else 0.01,
        subject_count=20,
        fold_count=3,
        repeat_count=2,
        obstacle=obstacle,
    )


UNKNOWN = effect(math.nan, math.nan, "few trainings")
ABOVE, BELOW, ACROSS, SMALL = effect(0.1, 0.2), effect(-0.2, -0.1), effect(-0.1, 0.1), effect(0.001, 0.019)


@pytest.mark.parametrize(
    ("effects", "p", "verdict"),
    [
        ([], 0.01, "not tested"),
        ([ABOVE], 0.05, "borne out"),
        ([ABOVE], 0.06, "undecided"),
        ([BELOW], 0.01, "contradicted"),
        ([BELOW], 0.06, "undecided"),
        ([ACROSS], 0.01, "undecided"),
        ([SMALL], 0.01, "undecided"),
        ([UNKNOWN], None, "undecided"),
        ([ABOVE, ACROSS], 0.01, "undecided"),
        ([ABOVE, ABOVE], 0.01, "borne out"),
        ([ABOVE, BELOW], 0.01, "contradicted"),
    ],
)
def test_a_claim_is_judged_by_whole_intervals_and_corrected_p(effects, p, verdict):
    assert judge_claim(effects, [p] * len(effects), matters=0.02) == verdict


@pytest.mark.parametrize(
    ("effects", "p", "verdict"),
    [
        ([], None, "not tested"),
        ([effect(-0.019, 0.019)], 1, "borne out"),
        ([SMALL], 0.01, "borne out"),
        ([effect(-0.01, 0.021)], 0.2, "undecided"),
        ([effect(0.019, 0.05)], 0.01, "undecided"),
        ([effect(0.021, 0.05)], 0.01, "contradicted"),
        ([effect(0.021, 0.05)], 0.06, "undecided"),
        ([effect(-0.05, -0.021)], 0.01, "contradicted"),
        ([UNKNOWN], None, "undecided"),
    ],
)
def test_a_loss_is_hardly_any_if_its_interval_lies_within_what_matters(effects, p, verdict):
    assert judge_harmless(effects, [p], matters=0.02) == verdict


def make_scores(natural, choppy, random, networks=("unet",)):
    scores = {}
    for network in networks:
        scores[network, "control"] = CONTROL
        for name, steps in (("natural-0.80", natural), ("choppy-0.80", choppy), ("random-0.80", random)):
            scores[network, name] = lower(CONTROL, *steps)
    return scores


def test_the_papers_findings_are_borne_out_where_they_hold(study):
    scores = make_scores([0.10, 0.12, 0.14], [0.08, 0.10, 0.12], [0.000, 0.005, 0.010])
    evaluation = evaluate(study, scores, repeats=2)
    assert [finding.key for finding in evaluation.findings] == list(CLAIMS) == list(RULES)
    verdicts = {finding.key: finding.verdict for finding in evaluation.findings}
    assert verdicts.pop("unet_resists_choppy") == "not tested"
    assert set(verdicts.values()) == {"borne out"}
    # Per case: random 0 0.025 0.05, boundary 0.45 0.55 0.65 per unit.
    difference = find(evaluation, "random_hurts_less")
    assert difference.evidence.startswith(
        "Slope for random minus slope for boundary errors: −0.525 (95\u00a0% interval −"
    )
    loss = find(evaluation, "random_harmless")
    assert loss.evidence.startswith(
        "Loss against the control with random-0.80: 0.0050 (95\u00a0% interval 0.0003 to 0.0097)"
    )
    assert loss.evidence.endswith("what matters begins at ±0.02.")


def test_the_papers_findings_are_contradicted_where_the_opposite_holds(study):
    scores = make_scores([-0.05, -0.06, -0.07], [0.01, 0.02, 0.03], [0.10, 0.12, 0.15])
    evaluation = evaluate(study, scores, repeats=2)
    assert find(evaluation, "boundary_hurts").verdict == "contradicted"
    assert find(evaluation, "random_hurts_less").verdict == "contradicted"
    assert find(evaluation, "random_harmless").verdict == "contradicted"


def test_findings_are_undecided_where_intervals_reach_across(study):
    scores = make_scores([-0.05, 0.01, 0.05], [0.01, 0.02, 0.03], [-0.05, 0.0, 0.06])
    evaluation = evaluate(study, scores, repeats=2)
    for key in ("boundary_hurts", "random_hurts_less", "random_harmless"):
        assert find(evaluation, key).verdict == "undecided"


def test_an_effect_within_what_matters_decides_nothing_but_is_named(study):
    # Slopes around 0.15, so 0.015 Dice per 0.10 of label Dice: clear of 0 and below 0.02.
    scores = make_scores([0.025, 0.030, 0.035], [0.025, 0.030, 0.035], [0.025, 0.030, 0.035])
    hurts, loosened = (find(evaluate(study, scores, repeats=2, matters=m), "boundary_hurts") for m in (0.02, 0.01))
    assert hurts.verdict == "undecided"
    assert hurts.evidence.endswith(" No difference that matters, which begins at 0.02 Dice.")
    assert loosened.verdict == "borne out"


def test_one_training_on_one_split_decides_nothing(study):
    evaluation = evaluate(study, make_scores([0.10, 0.12, 0.14], [0.08, 0.10, 0.12], [0.10, 0.15, 0.10]))
    assert {finding.verdict for finding in evaluation.findings} == {"undecided", "not tested"}
    assert evaluation.verdict == "cannot tell"
    assert evaluation.costs[0].cost.obstacle == "few trainings"
    assert evaluation.run_stds == {}


def test_costs_are_slopes_times_the_step_and_judged_together(study):
    evaluation = evaluate(study, make_scores([0.10, 0.12, 0.14], [0.08, 0.10, 0.12], [-0.04, 0.0, 0.05]), repeats=2)
    boundary, random = evaluation.costs
    assert (evaluation.step, boundary.kind, random.kind) == (0.10, "boundary", "random")
    # Losses at label Dice 0.80 are two steps; the mean of natural 0.12 and choppy 0.10 is 0.11.
    assert boundary.cost.estimate == pytest.approx(0.055)
    assert boundary.p_holm == pytest.approx(2 * boundary.cost.p_value)
    assert evaluation.verdict == "boundary: yes, random: cannot tell"


def test_nothing_is_concluded_from_networks_that_learnt_too_little(study):
    scores = make_scores([0.10, 0.12, 0.14], [0.08, 0.10, 0.12], [0.0, 0.0, 0.0], networks=("unet", "fcn32"))
    skills = {"unet": Skill(own=0.9, guess=0.1), "fcn32": Skill(own=0.301, guess=0.295)}
    evaluation = evaluate(study, scores, repeats=2, skills=skills)
    assert not evaluation.has_learnt
    assert (evaluation.verdict, evaluation.findings, evaluation.costs) == ("learnt too little", (), ())
    assert {cell.verdict for cell in evaluation.cells} == {None, "learnt too little"}


def test_findings_are_not_tested_without_their_trainings(study):
    evaluation = evaluate(study, {("unet", "control"): CONTROL})
    assert {finding.verdict for finding in evaluation.findings} == {"not tested"}
    assert all(finding.evidence.endswith(".") for finding in evaluation.findings)


def test_findings_are_given_for_all_networks_first_and_then_for_each(study):
    evaluation = evaluate(study, make_scores([0.1] * 3, [0.1] * 3, [0.0] * 3, networks=("unet", "fcn32")))
    harmless = [finding.network for finding in evaluation.findings if finding.key == "random_harmless"]
    assert harmless == [ALL_NETWORKS, "unet", "fcn32"]


def test_one_boundary_mode_alone_is_judged_and_the_other_named(study):
    scores = {("unet", "control"): CONTROL, ("unet", "choppy-0.80"): lower(CONTROL, 0.1, 0.11, 0.12)}
    evaluation = evaluate(study, scores, repeats=3)
    finding = find(evaluation, "boundary_hurts")
    assert finding.verdict == "borne out"
    assert "There are no natural errors to judge. p\u00a0<\u00a00.001." in finding.evidence
    assert find(evaluation, "random_hurts_less").verdict == "not tested"
    assert find(evaluation, "random_harmless").verdict == "not tested"


def resist(study, **losses):
    scores = {}
    for network, steps in losses.items():
        scores[network, "control"] = CONTROL
        scores[network, "choppy-0.80"] = lower(CONTROL, *steps)
    findings = evaluate(study, scores, repeats=3).findings
    return [finding for finding in findings if finding.key == "unet_resists_choppy"]


def test_the_u_net_resists_best_if_it_loses_less_than_every_other_network(study):
    together, segnet, fcn32 = resist(
        study, unet=[0.02, 0.03, 0.05], segnet=[0.08, 0.10, 0.12], fcn32=[0.07, 0.07, 0.08]
    )
    assert [together.network, segnet.network, fcn32.network] == [ALL_NETWORKS, "segnet", "fcn32"]
    assert {together.verdict, segnet.verdict, fcn32.verdict} == {"borne out"}
    assert segnet.evidence.startswith(
        "Loss with choppy-0.80, U-Net minus SegNet: −0.067 (95\u00a0% interval −0.072 to −0.061). p"
    )


def test_the_u_net_does_not_resist_best_if_one_network_loses_less(study):
    together, segnet, fcn32 = resist(
        study, unet=[0.05, 0.06, 0.07], segnet=[0.01, 0.01, 0.02], fcn32=[0.07, 0.08, 0.10]
    )
    assert (together.verdict, segnet.verdict, fcn32.verdict) == ("contradicted", "contradicted", "borne out")


@pytest.mark.parametrize("networks", [("unet",), ("segnet", "fcn32"), ("unet", "basic_unet")])
def test_resistance_is_not_tested_without_a_u_net_and_another_architecture(study, networks):
    (finding,) = resist(study, **{network: [0.05, 0.06, 0.07] for network in networks})
    assert finding.verdict == "not tested"


def test_the_strongest_errors_are_those_of_the_lowest_label_dice_that_was_trained(study):
    variants = (
        VARIANTS["control"],
        LabelVariant(name="random-0.70", mode="random", target_dice=0.7, achieved_dice=0.7),
        LabelVariant(name="random-0.90", mode="random", target_dice=0.9, achieved_dice=0.9),
        VARIANTS["random-0.80"],
    )
    design = NoiseDesign("truth", variants, ("unet",), "every_epoch", folds=1, repeats=1)
    scores = {("unet", name): CONTROL for name in ("control", "random-0.90", "random-0.80")}
    evaluation = summarise_label_noise(make_dice(scores), study=study, design=design, skills={})
    assert "with random-0.80: 0.000" in find(evaluation, "random_harmless").evidence


def test_a_single_subject_gives_estimates_without_intervals_and_no_verdict(make_study):
    cases = ("a-1", "a-2")
    study = make_study({"truth": dict.fromkeys(cases, 3)}, cases)
    scores = {("unet", "control"): [0.9, 0.8], ("unet", "natural-0.80"): [0.8, 0.6]}
    evaluation = evaluate(study, scores, cases=cases)
    slope = evaluation.slopes[0].slope
    assert slope.estimate == pytest.approx(0.75)
    assert np.isnan([slope.low, slope.high]).all()
    finding = find(evaluation, "boundary_hurts")
    assert finding.verdict == "undecided"
    assert "natural 0.750 (no valid interval)" in finding.evidence


def test_the_evaluation_survives_json_with_its_unknown_bounds(make_study):
    study = make_study({"truth": {"a-1": 3}}, ("a-1", "a-2"))
    scores = {("unet", "control"): [0.9], ("unet", "random-0.80"): [0.9]}
    evaluation = evaluate(study, scores, cases=("a-1",))
    text = evaluation.model_dump_json()
    assert "NaN" in text
    assert LabelNoiseEvaluation.model_validate_json(text).model_dump_json() == text
    assert evaluation.case_ids == ("a-1", "a-2")
    assert evaluation.unlabelled_cases == ("a-2",)


@settings(max_examples=5, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(make_study_once, shuffler):
    scores = make_scores([0.1, 0.12, 0.14], [0.08, 0.1, 0.12], [0.0, 0.01, 0.02])
    table = make_dice({key: [column, lower(column, 0.03, 0.01, 0.0)] for key, column in scores.items()})
    variants = tuple(variant for name, variant in VARIANTS.items() if name != "natural-0.90")
    design = NoiseDesign("truth", variants, ("unet",), "never", folds=1, repeats=2)
    order = list(range(len(table)))
    shuffler.shuffle(order)
    first, second = (
        summarise_label_noise(rows, study=make_study_once, design=design, skills={})
        for rows in (table, table.iloc[order])
    )
    assert first.model_dump_json() == second.model_dump_json()


@pytest.fixture(scope="module")
def make_study_once(tmp_path_factory):
    from overread.study.cases import Case, write_cases
    from overread.study.schema import SourceSettings, StudySettings
    from overread.study.study import Study

    root = tmp_path_factory.mktemp("study")
    sources = {"truth": SourceSettings(kind="synthetic")}
    parts = {"name": "bars", "dimensions": 2, "modality": "MR", "channels": ("t1",), "target": "bar"}
    StudySettings(**parts, sources=sources).write_yaml(root / "study.yaml")
    write_cases(root / "cases.csv", [Case(case_id, case_id.split("-")[0]) for case_id in CASES])
    return Study.open(root)


def test_tables_that_do_not_fit_the_design_are_refused(study):
    variants = (VARIANTS["control"], VARIANTS["natural-0.80"])
    design = NoiseDesign("truth", variants, ("unet",), "never", folds=1, repeats=1)
    good = make_dice({("unet", "control"): CONTROL})

    def check(dice, match, missing=(), changed=design):
        with pytest.raises(InputError, match=match):
            summarise_label_noise(dice, study=study, design=changed, skills={}, missing=missing)

    check(good.drop(columns="dice"), "none named dice")
    check(good.assign(network="vnet"), "'vnet'.*known: unet")
    check(good.assign(variant="choppy-0.80"), "a variant of the table.*'choppy-0.80'")
    check(pd.concat([good, good]), "held out once.*unet, control, 0, a-1")
    check(good.assign(dice=1.5), r"\[0, 1\], got 1.5")
    check(good.assign(dice=np.nan), r"\[0, 1\], got nan")
    check(good.assign(best_dice=np.nan), r"\[0, 1\], got nan; column best_dice")
    check(good.assign(true_load=-1.0), r"load must lie in \[0, inf\], got -1.0")
    check(pd.concat([good, good.assign(repeat=1, subject_id="z")]), "one subject")
    check(pd.concat([good, good.assign(repeat=1, fold=1)]), "held out by one fold")
    failed = MissingTraining(network="unet", variant="control", fold=0, repeat=0, reason="no GPU")
    check(good.head(0), "1 failed trainings.*no GPU", missing=[failed])
    check(good, "of a network and a variant", missing=[failed.model_copy(update={"variant": "choppy-0.80"})])
    check(good, "one must be the control", changed=NoiseDesign("truth", variants[1:], ("unet",), "never", 1, 1))


def test_variants_that_differ_in_their_target_alone_form_a_series():
    names = ("control", "natural-0.90", "natural-3d-0.90", "choppy-axis2-0.90", "natural-0.90-seed1")
    series = [
        LabelVariant(name=name, mode="natural", target_dice=1.0 if name == "control" else 0.9, achieved_dice=0.9).series
        for name in names
    ]
    assert series == ["control", "natural", "natural-3d", "choppy-axis2", "natural-seed1"]
    assert all(before != after for before, after in pairwise(series))


def test_evidence_is_written_with_as_many_decimals_as_its_sign_needs():
    assert write_estimate(interval(0.0002, 0.0008)) == "0.0005 (95\u00a0% interval 0.0002 to 0.0008)"
    assert write_estimate(interval(-0.3, 0.1)) == "−0.100 (95\u00a0% interval −0.300 to 0.100)"
    assert write_estimate(interval(-1e-8, 0.5)) == "0.250000 (95\u00a0% interval 0.000000 to 0.500000)"
    assert write_estimate(interval(-1e-16, 0.5)) == "0.250 (95\u00a0% interval 0.000 to 0.500)"
    assert write_p([]) == write_p([None, 0.5]) == ""
    assert write_p([0.0004]) == " p\u00a0<\u00a00.001."
    assert write_p([0.0421]) == " p\u00a0=\u00a00.042."
    assert write_p([0.0004, 0.0421]) == " p after Holm's correction: <\u00a00.001, 0.042."


def test_architectures_have_the_names_that_people_use():
    assert [name_architecture(name) for name in ("unet", "fcn32", "other")] == ["U-Net", "FCN-32", "other"]
