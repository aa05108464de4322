"""How much networks outline, and their Dice at the thresholds that are best on validation cases."""

from collections.abc import Sequence

import pandas as pd
import pytest

from overread.labels.variant_record import LabelVariant
from overread.questions.label_noise.decisions import Decisions, compute_load_ratios
from overread.questions.label_noise.results import DICE_COLUMNS
from overread.questions.label_noise.scores import CaseScores, index_scores

VARIANTS = ("control", "natural-0.80")
SUBJECTS = "abcdefgh"


def build_table(rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(DICE_COLUMNS))


def index(table: pd.DataFrame) -> CaseScores:
    return index_scores(table, networks=("unet",), variants=VARIANTS)


def build_study(*, folds: int = 1) -> pd.DataFrame:
    """Eight subjects, two repeats; the variant costs 0.2 at the preset's threshold and 0.05 at the best one.

    Dice varies by subject, repeat and variant, so that intervals of losses are not 0.
    """
    rows = []
    for variant, cost, best_cost in (("control", 0.0, 0.0), ("natural-0.80", 0.2, 0.05)):
        for repeat in range(2):
            for place, subject in enumerate(SUBJECTS):
                luck = 0.01 * ((place * (repeat + 2) + len(variant)) % 3 - 1)
                dice, best = 0.8 - cost + luck, 0.9 - best_cost - luck / 2
                place_of = ("unet", variant, repeat, f"{subject}-1", subject, place % folds)
                rows.append((*place_of, dice, 0.5 + cost, best, 12.0, 10.0))
    return build_table(rows)


def test_the_load_ratio_is_that_of_the_totals_of_a_subject_and_the_mean_over_subjects() -> None:
    """a: 30 and 10 predicted, 10 and 30 true, 40 / 40, not the mean of 3 and 1/3; b: 20 / 10; nothing true in c."""
    places = [("a-1", "a", 30, 10), ("a-2", "a", 10, 30), ("b-1", "b", 20, 10), ("c-1", "c", 5, 0)]
    table = build_table(
        [
            ("unet", "control", repeat, case, subject, 0, 0.5, 0.5, 0.5, (1 + repeat) * predicted, true)
            for repeat in range(2)
            for case, subject, predicted, true in places
        ]
    )
    ratios = compute_load_ratios(table)
    assert ratios.set_index(["repeat", "subject_id"])["load_ratio"].to_dict() == {
        (0, "a"): 1.0,
        (0, "b"): 2.0,
        (1, "a"): 2.0,
        (1, "b"): 4.0,
    }
    found = Decisions.build(index(table)).summarise("unet", "control")
    assert found is not None
    assert found.load_ratio is not None
    assert found.load_ratio.estimate == pytest.approx((1 + 2 + 2 + 4) / 4)
    assert found.load_ratio.subject_count == 2


def test_without_any_true_load_there_is_no_ratio() -> None:
    found = Decisions.build(index(build_study().assign(true_load=0.0))).summarise("unet", "control")
    assert found is not None
    assert found.load_ratio is None


def test_means_and_losses_at_the_best_thresholds_are_those_of_their_own_dice() -> None:
    decisions = Decisions.build(index(build_study()))
    control, variant = (decisions.summarise("unet", name) for name in VARIANTS)
    assert control is not None
    assert variant is not None
    assert control.loss is None
    assert variant.mean.estimate == pytest.approx(0.85, abs=0.005)
    assert variant.loss is not None
    assert variant.loss.estimate == pytest.approx(0.05, abs=0.005)
    assert (control.threshold, variant.threshold) == pytest.approx((0.5, 0.7))


def test_a_loss_at_the_best_thresholds_has_the_interval_that_its_dice_would_have_at_the_preset_s() -> None:
    table = build_study(folds=2)
    swapped = table.rename(columns={"dice": "best_dice", "best_dice": "dice"})
    found = Decisions.build(index(table)).summarise("unet", "natural-0.80")
    loss = index(swapped).trainings.estimate({("unet", "control"): 1.0, ("unet", "natural-0.80"): -1.0})
    assert found is not None
    assert loss is not None
    assert loss.is_valid
    assert found.loss == loss


def test_slopes_at_the_best_thresholds_go_through_their_own_dice() -> None:
    """0.05 lost over 0.2 of label Dice."""
    variants = [
        LabelVariant(name="control", mode="control", target_dice=1, achieved_dice=1),
        LabelVariant(name="natural-0.80", mode="natural", target_dice=0.8, achieved_dice=0.8),
    ]
    table = build_study()
    slopes = Decisions.build(index(table)).summarise_slopes(("unet",), variants)
    assert [slope.mode for slope in slopes] == ["natural", "boundary"]
    by_variant = table.groupby("variant")["best_dice"].mean()
    expected = (by_variant["control"] - by_variant["natural-0.80"]) / 0.2
    assert [slope.slope.estimate for slope in slopes if slope.slope] == pytest.approx([expected] * 2)


def test_the_mean_threshold_is_that_over_trainings_however_many_cases_they_hold_out() -> None:
    """Fold 0 holds out one case at 0.9, fold 1 three at 0.5."""
    rows = [
        ("unet", "control", 0, f"{name}-1", name, int(name != "a"), 0.5, 0.9 if name == "a" else 0.5, 0.5, 1.0, 1.0)
        for name in "abcd"
    ]
    found = Decisions.build(index(build_table(rows))).summarise("unet", "control")
    assert found is not None
    assert found.threshold == pytest.approx(0.7)


def test_a_network_that_predicted_nothing_has_no_decision() -> None:
    table = build_study()
    assert Decisions.build(index(table[table["variant"] == "control"])).summarise("unet", "natural-0.80") is None
