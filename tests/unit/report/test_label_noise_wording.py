import math

import pytest
from noise_builders import build_variant

from overread.evaluation.results import Interval
from overread.questions.label_noise.page.paper import PAPER_DICE, compute_paper_slopes
from overread.questions.label_noise.page.series import list_series
from overread.questions.label_noise.page.tables import describe_range, describe_strength
from overread.questions.label_noise.page.wording import choose_step, word_error_kinds, word_noise_answer, word_redraw
from overread.questions.label_noise.results import LabelNoiseEvaluation, NoiseSlope

NO_BREAK = "\u00a0"
SHOWN, UNSURE, GAIN = (0.6, 0.4, 0.8), (0.1, -0.1, 0.3), (-0.5, -0.7, -0.3)
UNKNOWN = (0.6, math.nan, math.nan)


def build_evaluation(*, networks=("unet", "segnet"), variants=("control", "natural-0.90"), redraw="never", **slopes):
    pooled = tuple(
        NoiseSlope(
            network="all",
            mode=mode,
            slope=Interval(estimate=estimate, low=low, high=high),
            variants=("control",),
            case_count=4,
        )
        for mode, (estimate, low, high) in slopes.items()
    )
    return LabelNoiseEvaluation(
        study="tiny",
        target="lesion",
        source="truth",
        redraw=redraw,
        networks=networks,
        variants=tuple(map(build_variant, variants)),
        cells=(),
        slopes=(),
        pooled_slopes=pooled,
        findings=(),
        missing=(),
        case_ids=(),
        unlabelled_cases=(),
        seed=0,
    )


def answer(**slopes):
    found = word_noise_answer(build_evaluation(**slopes))
    return found.verdict, found.sentence.replace(NO_BREAK, " ")


def test_a_slope_above_zero_is_told_as_the_cost_of_a_tenth_of_label_dice():
    # Slopes 0.6 (0.4 to 0.8) and 0.1 (-0.1 to 0.3), times 0.10.
    assert answer(natural=SHOWN, choppy=SHOWN, boundary=SHOWN, random=UNSURE) == (
        "yes",
        "Boundary errors matter; no loss was shown for random errors: boundary errors that lower label Dice by 0.10 "
        "cost the networks 0.060 Dice (95 % interval 0.040 to 0.080); random errors of the same size cost an estimated "
        "0.010 Dice (95 % interval −0.010 to 0.030), an interval that includes 0.",
    )


def test_errors_that_both_matter_are_named_together():
    verdict, sentence = answer(natural=SHOWN, choppy=SHOWN, boundary=SHOWN, random=SHOWN)
    assert verdict == "yes"
    assert sentence.startswith("Boundary and random errors matter: boundary errors that lower")
    assert sentence.endswith("random errors of the same size cost 0.060 Dice (95 % interval 0.040 to 0.080).")


def test_a_cost_below_two_hundredths_of_dice_is_told_as_little():
    # Slope 0.1 (0.05 to 0.15), times 0.10: at most 0.015 Dice.
    small = (0.1, 0.05, 0.15)
    _, sentence = answer(natural=SHOWN, choppy=SHOWN, boundary=SHOWN, random=small)
    assert sentence.startswith("Boundary errors matter; random errors matter, but little: ")
    verdict, sentence = answer(natural=small, choppy=small, boundary=small, random=small)
    assert verdict == "yes"
    assert sentence.startswith("Boundary and random errors matter, but little: ")


def test_no_loss_is_claimed_where_intervals_include_zero():
    verdict, sentence = answer(natural=UNSURE, choppy=UNSURE, boundary=UNSURE, random=UNSURE)
    assert verdict == "not-shown"
    assert sentence.startswith("No loss was shown for boundary and random errors:")


def test_an_interval_that_touches_zero_shows_no_loss():
    assert answer(random=(0.2, 0.0, 0.4))[0] == "not-shown"


def test_a_gain_is_told_as_a_gain():
    verdict, sentence = answer(random=GAIN)
    assert verdict == "reversed"
    assert sentence == (
        "Random errors raised the Dice: random errors that lower label Dice by 0.10 gained the networks 0.050 Dice "
        "(95 % interval 0.030 to 0.070)."
    )


def test_an_unknown_interval_gives_an_estimate_and_no_verdict():
    verdict, sentence = answer(natural=UNKNOWN, boundary=UNKNOWN)
    assert verdict == "no-answer"
    assert sentence == (
        "The loss by natural errors has no known uncertainty: natural errors that lower label Dice by 0.10 cost the "
        "networks an estimated 0.060 Dice (interval unknown, all cases are of one subject)."
    )


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
    assert choose_step(build_evaluation(variants=variants)) == step


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
    slope = NoiseSlope(
        network="unet", mode="polygon", slope=Interval(estimate=0.6, low=0.4, high=0.8), variants=(), case_count=0
    )
    tried = dict(word_error_kinds(evaluation.model_copy(update={"slopes": (slope,)}), dimensions=2))
    assert tried["random"] == "single pixels have the wrong label, as many inside as outside"
    assert tried["polygon"].startswith("few points of the outline are left")
