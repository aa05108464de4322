import math

import pytest
from noise_builders import build_variant

from overread.evaluation.results import Estimate
from overread.evaluation.skill import Skill
from overread.questions.label_noise.page.paper import PAPER_DICE, compute_paper_slopes
from overread.questions.label_noise.page.series import list_series
from overread.questions.label_noise.page.tables import describe_range, describe_strength
from overread.questions.label_noise.page.wording import (
    list_design,
    word_error_kinds,
    word_luck,
    word_noise_answer,
    word_redraw,
)
from overread.questions.label_noise.results import LabelNoiseEvaluation, NoiseCell, NoiseSlope
from overread.questions.label_noise.slopes import choose_step, summarise_costs
from overread.questions.label_noise.steps.write_noise_report import collect_metrics
from overread.report.judgement import LUCK, LUCK_OF_FOLDS, LUCK_OF_ONE_SPLIT

NO_BREAK = "\u00a0"
SHOWN, UNSURE, GAIN = (0.6, 0.4, 0.8), (0.1, -0.3, 0.5), (-0.5, -0.7, -0.3)
SMALL, UNKNOWN = (0.1, 0.05, 0.15), (0.6, math.nan, math.nan)


def estimate(middle, low, high):
    is_known = math.isfinite(low)
    return Estimate(
        estimate=middle,
        low=low,
        high=high,
        standard_error=(high - low) / 4,
        degrees_of_freedom=20,
        smallest_detectable=0.42,
        p_value=(0.2 if low < 0 < high else 0.001) if is_known else None,
        subject_count=18,
        fold_count=3,
        repeat_count=2,
        run_std=0.01,
        obstacle="" if is_known else "few trainings",
    )


def build_evaluation(
    *,
    networks=("unet", "segnet"),
    variants=("control", "natural-0.90"),
    redraw="never",
    folds=3,
    repeats=2,
    skills=None,
    **slopes,
):
    pooled = tuple(
        NoiseSlope(network="all", mode=mode, slope=estimate(*found), variants=("control",), case_count=4)
        for mode, found in slopes.items()
    )
    described = tuple(map(build_variant, variants))
    step = choose_step(described)
    return LabelNoiseEvaluation(
        study="tiny",
        target="lesion",
        dimensions=2,
        source="truth",
        redraw=redraw,
        networks=networks,
        variants=described,
        cells=(
            NoiseCell(
                network=networks[0],
                variant="control",
                mean=estimate(*next(iter(slopes.values()), UNKNOWN)),
                std=None,
                repeat_std=None,
                case_count=18,
                training_count=6,
                missing_count=0,
                loss=None,
                loss_case_count=0,
            ),
        ),
        slopes=(),
        pooled_slopes=pooled,
        best_threshold_slopes=(),
        costs=summarise_costs(pooled, step=step, matters=0.02),
        findings=(),
        skills=dict.fromkeys(networks, Skill(own=0.8, guess=0.1)) | (skills or {}),
        missing=(),
        case_ids=(),
        unlabelled_cases=(),
        folds=folds,
        repeats=repeats,
        step=step,
        matters=0.02,
        run_stds={"unet": 0.011, "segnet": 0.023} if repeats > 1 else {},
    )


def answer(**slopes):
    found = word_noise_answer(build_evaluation(**slopes))
    return found.verdict, found.sentence.replace(NO_BREAK, " ")


def test_a_slope_above_zero_is_told_as_the_cost_of_a_tenth_of_label_dice():
    # Slopes 0.6 (0.4 to 0.8) and 0.1 (-0.3 to 0.5), times 0.10.
    assert answer(natural=SHOWN, choppy=SHOWN, boundary=SHOWN, random=UNSURE) == (
        "yes",
        "Boundary errors matter; whether random errors matter cannot be told: boundary errors that lower label Dice by "
        "0.10 cost the networks 0.060 Dice (95 % interval 0.040 to 0.080); random errors of the same size cost an "
        "estimated 0.010 Dice (95 % interval −0.030 to 0.050), where such a study finds 0.042 three times out of four.",
    )


def test_errors_that_both_matter_are_named_together():
    verdict, sentence = answer(natural=SHOWN, choppy=SHOWN, boundary=SHOWN, random=SHOWN)
    assert verdict == "yes"
    assert sentence.startswith("Boundary and random errors matter: boundary errors that lower")
    assert sentence.endswith("random errors of the same size cost 0.060 Dice (95 % interval 0.040 to 0.080).")


def test_a_cost_that_may_be_less_than_what_matters_says_so():
    _, sentence = answer(natural=(0.3, 0.1, 0.5), boundary=(0.3, 0.1, 0.5))
    assert "0.030 Dice (95 % interval 0.010 to 0.050), which may be less than 0.02." in sentence


def test_a_cost_within_what_matters_is_no_difference_on_whatever_side_of_zero_it_is():
    # Slope 0.1 (0.05 to 0.15), times 0.10: at most 0.015 Dice.
    _, sentence = answer(natural=SHOWN, choppy=SHOWN, boundary=SHOWN, random=SMALL)
    assert sentence.startswith("Boundary errors matter; random errors make no difference that matters: ")
    assert "within the 0.02 below which this page calls nothing a difference" in sentence
    assert answer(natural=SMALL, choppy=SMALL, boundary=SMALL, random=SMALL)[0] == "no-difference"


def test_no_loss_is_claimed_where_intervals_include_zero():
    verdict, sentence = answer(natural=UNSURE, choppy=UNSURE, boundary=UNSURE, random=UNSURE)
    assert verdict == "not-shown"
    assert sentence.startswith("Whether boundary and random errors matter cannot be told:")


def test_an_interval_that_touches_zero_shows_no_loss():
    assert answer(random=(0.2, 0.0, 0.4))[0] == "not-shown"


def test_a_gain_is_told_as_a_gain():
    verdict, sentence = answer(random=GAIN)
    assert verdict == "reversed"
    assert sentence == (
        "Random errors raised the Dice: random errors that lower label Dice by 0.10 gained the networks 0.050 Dice "
        "(95 % interval 0.030 to 0.070)."
    )


def test_without_a_valid_interval_there_is_an_estimate_and_advice_and_no_verdict():
    verdict, sentence = answer(natural=UNKNOWN, boundary=UNKNOWN)
    assert verdict == "not-shown"
    assert sentence == (
        "Whether natural errors matter cannot be told: natural errors that lower label Dice by 0.10 cost the networks "
        "an estimated 0.060 Dice (no valid interval). The trainings are too few to tell a cost from luck in training. "
        "Run with repeats=2 and 4 or more networks × labels."
    )


def test_wide_intervals_of_single_trainings_are_told_with_what_would_help():
    _, sentence = answer(repeats=1, random=UNSURE)
    assert sentence.endswith("Every network was trained once per fold, so the intervals are wide. Run with repeats=2.")


def test_networks_that_learnt_too_little_give_no_sentence_on_costs():
    weak = {"fcn32": Skill(own=0.301, guess=0.295)}
    evaluation = build_evaluation(networks=("unet", "fcn32"), skills=weak, random=SHOWN)
    assert word_noise_answer(evaluation).sentence == (
        "The networks learnt too little to show what label errors cost: FCN-32 reaches Dice 0.301 with the clean "
        "labels that it learnt; a mask that ignores the image gets 0.295. No verdict. Train for longer, or leave fcn32 "
        "out of networks."
    )
    assert evaluation.verdict == "learnt too little"
    # (0.8 - 0.1) / 0.9 and 0.006 / 0.705.
    assert collect_metrics(evaluation) == {
        "skill_unet": pytest.approx(0.7 / 0.9),
        "skill_fcn32": pytest.approx(0.006 / 0.705),
        "has_learnt": 0.0,
    }


def test_metrics_hold_bounds_only_where_the_interval_is_valid():
    evaluation = build_evaluation(natural=UNKNOWN, random=SHOWN)
    best = evaluation.pooled_slopes[1:]
    metrics = collect_metrics(evaluation.model_copy(update={"best_threshold_slopes": best}))
    assert {name for name in metrics if "slope" in name} == {
        "natural_slope",
        "random_slope",
        "random_slope_low",
        "random_slope_high",
        "random_slope_best_threshold",
    }


def test_what_the_interval_allows_for_is_told_by_the_design():
    assert word_luck(build_evaluation(random=SHOWN)).startswith(LUCK)
    assert word_luck(build_evaluation(random=SHOWN, folds=1)).startswith(LUCK_OF_ONE_SPLIT)
    assert word_luck(build_evaluation(random=SHOWN, repeats=1)) == LUCK_OF_FOLDS
    assert word_luck(build_evaluation(random=UNKNOWN)).startswith("No interval is given")


def test_the_design_tells_what_each_kind_of_cost_would_have_needed():
    evaluation = build_evaluation(natural=SHOWN, boundary=SHOWN, random=UNKNOWN)
    found = {figure.title: figure.value for figure in list_design(evaluation)}
    assert found == {
        "Held-out subjects": "18",
        "Trainings": "6",
        "Smallest detectable cost, natural errors": "0.042",
        "Smallest detectable cost, random errors": "unknown",
        "Luck of one training": "0.011 to 0.023",
        "Counts as a difference": "0.02",
    }
    assert list_design(build_evaluation()) == []


def test_one_boundary_mode_and_one_network_go_by_their_names():
    assert (
        "Choppy errors matter: choppy errors that lower label Dice by 0.10 cost the network 0.060"
        in (answer(networks=("unet",), choppy=SHOWN, boundary=SHOWN)[1])
    )


def test_without_any_slope_the_question_is_not_answered():
    verdict, sentence = answer()
    assert verdict == "no-answer"
    assert "no network was trained both on the clean labels and on imperfect ones" in sentence


@pytest.mark.parametrize(
    ("variants", "step"),
    [
        (("control", "natural-0.90", "random-0.80"), 0.10),
        (("control", "natural-0.95"), 0.05),
        (("control", "natural-0.97"), 0.02),
        (("control", "natural-0.99"), 0.01),
        (("control",), 0.01),
    ],
)
def test_costs_are_told_for_losses_of_label_dice_that_were_tried(variants, step):
    assert build_evaluation(variants=variants).step == step


def test_fixed_and_redrawn_errors_are_told_apart():
    assert "fixed: each case kept one imperfect mask" in word_redraw(build_evaluation())
    redrawn = word_redraw(build_evaluation(redraw="every_epoch"))
    assert "drawn anew in every epoch" in redrawn
    assert "Real label errors stay the same and can hurt more." in redrawn


def test_series_are_ordered_by_mode_and_told_apart_by_dashes():
    names = ("control", "random-0.90", "natural-0.80", "natural-0.90", "natural-0.90-seed1")
    variants = [build_variant(name) for name in names]
    first, second, third = list_series(variants)
    assert [first.name, second.name, third.name] == ["natural", "natural-seed1", "random"]
    assert [variant.name for variant in first.variants] == ["natural-0.90", "natural-0.80"]
    assert first.strongest.name == "natural-0.80"
    assert first.dashes == () != second.dashes
    assert first.colour == second.colour != third.colour
    assert len({(one.mark, one.marker) for one in (first, third)}) == 2


def test_strengths_are_written_with_their_unit():
    assert describe_strength(build_variant("control")) == "–"
    assert describe_strength(build_variant("natural-0.90")) == f"1.25{NO_BREAK}px"
    assert describe_strength(build_variant("random-0.90")) == f"10.0{NO_BREAK}% flipped"
    assert describe_range(build_variant("natural-0.90")) == "0.880 to 0.930"
    assert describe_range(build_variant("control")) == "–"


def test_the_papers_slopes_are_those_of_its_table():
    natural, choppy, random = compute_paper_slopes()
    # Levels 1 .95 .90 .85 are ±0.025 and ±0.075 around their mean; squares sum to 0.0125.
    # U-Net, natural: (0.075 × (0.9134 - 0.7521) + 0.025 × (0.8880 - 0.8193)) / 0.0125 = 1.1052.
    assert natural.slopes[0] == pytest.approx(1.1052)
    # FCN-32, random: (0.075 × (0.8870 - 0.8676) + 0.025 × (0.8881 - 0.8751)) / 0.0125 = 0.1424.
    assert random.slopes[2] == pytest.approx(0.1424)
    assert [slope.mode for slope in (natural, choppy, random)] == ["natural", "choppy", "random"]
    assert len(PAPER_DICE) == 10


def test_the_papers_kinds_of_errors_are_explained_and_polygons_where_they_were_tried():
    evaluation = build_evaluation()
    assert [name for name, _ in word_error_kinds(evaluation, dimensions=3)] == ["natural", "choppy", "random"]
    slope = NoiseSlope(network="unet", mode="polygon", slope=estimate(0.6, 0.4, 0.8), variants=(), case_count=0)
    tried = dict(word_error_kinds(evaluation.model_copy(update={"slopes": (slope,)}), dimensions=2))
    assert tried["random"] == "single pixels have the wrong label, as many inside as outside"
    assert tried["polygon"].startswith("few points of the outline are left")
