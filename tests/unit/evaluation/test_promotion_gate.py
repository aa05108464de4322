"""The gate of retraining, on tables whose figures follow by hand."""

import math
from collections.abc import Sequence
from typing import ClassVar

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError, SettingsError
from overread.evaluation.results import COMPARISON_COLUMNS
from overread.questions.retrain.gate import GateFigures, GateSettings, apply_gate, select_counted

BOUNDS = GateSettings(dice_margin=0.05, load_bias_limit=0.25, min_cases=3)
REFERENCE_LOADS = (100.0, 200.0, 300.0, 400.0, 1000.0)
"""Unequal on purpose: they sum to 2000."""
SUBJECTS = ("s0", "s1", "s2", "s3", "s4")


def build_table(
    dice: Sequence[float],
    *,
    loads: Sequence[float] = REFERENCE_LOADS,
    references: Sequence[float] = REFERENCE_LOADS,
    subjects: Sequence[str] = SUBJECTS,
) -> pd.DataFrame:
    rows = [
        ("network", "ann", f"c{index}", subjects[index], value, value, 1.0, 1.0, loads[index], references[index])
        for index, value in enumerate(dice)
    ]
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def judge(challenger: pd.DataFrame, champion: pd.DataFrame | None = None, **changes: float) -> GateFigures:
    return apply_gate(challenger, champion, settings=BOUNDS.model_copy(update=changes), seed=0)


class TestFigures:
    def test_load_bias_is_that_of_the_mean_loads(self) -> None:
        """+50, 0, 0, 0 and +150 of 2000 are 0.1; the mean of the shares per case would be (0.5 + 0.15) / 5 = 0.13."""
        figures = judge(build_table([0.8] * 5, loads=(150, 200, 300, 400, 1150)))
        assert figures.load_bias is not None
        assert figures.load_bias.estimate == pytest.approx(0.1)

    def test_the_champion_s_load_bias_is_told_and_not_judged(self) -> None:
        figures = judge(build_table([0.8] * 5), build_table([0.8] * 5, loads=(0, 0, 0, 0, 0)))
        assert figures.champion_load_bias is not None
        assert figures.champion_load_bias.estimate == pytest.approx(-1.0)
        assert figures.passes

    def test_dice_is_compared_case_by_case_whatever_the_order_of_the_tables(self) -> None:
        """Differences are 0.02 in every case, so the interval has no width; unpaired, it would."""
        champion = build_table([0.5, 0.6, 0.7, 0.8, 0.9])
        challenger = build_table([0.52, 0.62, 0.72, 0.82, 0.92]).iloc[::-1]
        difference = judge(challenger, champion).dice_difference
        assert difference is not None
        assert (difference.estimate, difference.low, difference.high) == pytest.approx((0.02, 0.02, 0.02))

    def test_means_are_over_the_cases_that_count(self) -> None:
        figures = judge(build_table([0.5, 0.6, 0.7]), build_table([0.5, 0.5, 0.5]))
        assert figures.case_count == 3
        assert figures.challenger_dice is not None
        assert figures.champion_dice is not None
        assert figures.challenger_dice.estimate == pytest.approx(0.6)
        assert figures.champion_dice.estimate == pytest.approx(0.5)

    def test_tables_of_different_cases_are_refused(self) -> None:
        with pytest.raises(InputError, match=r"the same cases, got 5 and 4 cases"):
            judge(build_table([0.8] * 5), build_table([0.8] * 4))


class TestDecision:
    def test_a_challenger_that_is_neither_worse_nor_off_passes_without_a_word(self) -> None:
        figures = judge(build_table([0.8] * 5), build_table([0.8] * 5))
        assert figures.passes
        assert (figures.reasons, figures.cautions) == ((), ())

    @pytest.mark.parametrize(("loss", "passes"), [(0.04, True), (0.05, True), (0.06, False)])
    def test_dice_may_fall_by_the_margin_and_not_by_more(self, loss: float, passes: bool) -> None:
        figures = judge(build_table([0.8 - loss] * 5), build_table([0.8] * 5))
        assert figures.passes is passes
        assert [reason.split(":")[0] for reason in figures.reasons] == (
            [] if passes else ["Its Dice is lower than the champion's by more than 0.05"]
        )

    @pytest.mark.parametrize(
        ("share", "passes"), [(-0.26, False), (-0.25, True), (0.0, True), (0.25, True), (0.26, False)]
    )
    def test_loads_may_be_off_by_the_limit_either_way_and_not_by_more(self, share: float, passes: bool) -> None:
        loads = [load * (1 + share) for load in REFERENCE_LOADS]
        figures = judge(build_table([0.8] * 5, loads=loads), build_table([0.8] * 5))
        assert figures.passes is passes
        expected = f"±0.25 of the reference's mean load: {share:+.3f}, 95 % interval {share:+.3f} to {share:+.3f}."
        assert figures.reasons == (() if passes else (f"Its load bias lies beyond {expected}",))

    def test_a_figure_that_only_rounding_puts_past_its_bound_keeps_to_it(self) -> None:
        """0.77 - 0.8 is a hair below -0.03 in floating point, as 1.3 - 1 is above 0.3."""
        assert GateSettings(dice_margin=0.03).allows_difference(0.77 - 0.8)
        assert GateSettings(load_bias_limit=0.3).allows_load_bias(1.3 - 1.0)

    def test_both_reasons_are_given(self) -> None:
        figures = judge(build_table([0.1] * 5, loads=[0.0] * 5), build_table([0.8] * 5))
        assert len(figures.reasons) == 2

    def test_better_dice_makes_no_amends_for_loads_that_are_off(self) -> None:
        figures = judge(build_table([0.99] * 5, loads=[0.0] * 5), build_table([0.5] * 5))
        assert not figures.passes

    def test_not_a_number_keeps_to_no_bound(self) -> None:
        assert not BOUNDS.allows_difference(math.nan)
        assert not BOUNDS.allows_load_bias(math.nan)

    @given(
        dice=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=5),
        margin=st.floats(0, 1),
    )
    @settings(deadline=None, max_examples=30)
    def test_a_wider_margin_never_refuses_what_a_narrower_one_lets_through(
        self, dice: list[tuple[float, float]], margin: float
    ) -> None:
        tables = [build_table([pair[index] for pair in dice]) for index in (0, 1)]
        if judge(*tables, dice_margin=margin / 2).passes:
            assert judge(*tables, dice_margin=margin).passes
        assert judge(*tables, dice_margin=1.0).passes


class TestCautions:
    def test_an_interval_that_reaches_past_the_margin_is_said_and_no_reason_to_refuse(self) -> None:
        """Differences 0 and four times ±0.1: their mean is 0, and that of many resamples is below -0.05."""
        figures = judge(build_table([0.8, 0.9, 0.7, 0.9, 0.7]), build_table([0.8] * 5))
        assert figures.passes
        (caution,) = figures.cautions
        assert caution.startswith("It may be that its Dice is lower than the champion's by more than 0.05: +0.000")

    def test_an_interval_of_the_load_bias_that_reaches_past_the_limit_is_said(self) -> None:
        """+100, +200 and -400 of 2000 are -0.05; samples without the last or with it twice lie beyond the limit."""
        figures = judge(build_table([0.8] * 5, loads=(200, 400, 300, 0, 1000)))
        assert figures.passes
        (caution,) = figures.cautions
        assert caution.startswith("It may be that its load bias lies beyond ±0.25 of the reference's mean load: -0.050")

    def test_a_refusal_is_sure_enough_not_to_be_a_caution_too(self) -> None:
        figures = judge(build_table([0.1, 0.9, 0.1, 0.9, 0.1]), build_table([0.8] * 5))
        assert len(figures.reasons) == 1
        assert figures.cautions == ()

    def test_one_subject_has_no_interval_so_that_both_bounds_are_open(self) -> None:
        figures = judge(build_table([0.8] * 5, subjects=["s"] * 5), build_table([0.8] * 5, subjects=["s"] * 5))
        assert figures.passes
        assert figures.dice_difference is not None
        assert math.isnan(figures.dice_difference.low)
        assert len(figures.cautions) == 2
        assert all("nan to" in caution for caution in figures.cautions)

    def test_one_subject_beyond_the_bounds_is_refused_all_the_same(self) -> None:
        figures = judge(build_table([0.1] * 5, subjects=["s"] * 5), build_table([0.8] * 5, subjects=["s"] * 5))
        assert not figures.passes


class TestFirstChampion:
    def test_is_judged_by_its_loads_alone(self) -> None:
        figures = judge(build_table([0.01] * 5))
        assert figures.passes
        assert (figures.champion_dice, figures.dice_difference, figures.champion_load_bias) == (None, None, None)

    def test_is_refused_where_its_loads_are_off(self) -> None:
        assert not judge(build_table([0.9] * 5, loads=[2 * load for load in REFERENCE_LOADS])).passes


class TestFewCases:
    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_are_no_ground_for_a_decision(self, count: int) -> None:
        figures = judge(build_table([0.99] * count), build_table([0.1] * count))
        assert not figures.passes
        assert figures.reasons == (
            f"Only {count} held-out cases count, those whose mask is the one that the champion was judged by, and the "
            "gate asks for 3.",
        )
        assert (figures.case_count, figures.challenger_dice, figures.load_bias) == (count, None, None)

    def test_of_a_first_challenger_are_said_without_a_champion(self) -> None:
        (reason,) = judge(build_table([0.9]), None).reasons
        assert reason == "Only 1 held-out cases count, those labelled by the reference, and the gate asks for 3."

    def test_as_many_as_asked_for_are_enough(self) -> None:
        assert judge(build_table([0.8] * 3)).passes


class TestEmptyReferences:
    def test_leave_the_load_bias_open_and_refuse(self) -> None:
        figures = judge(build_table([1.0] * 5, loads=[0.0] * 5, references=[0.0] * 5))
        assert figures.load_bias is None
        assert figures.reasons == (
            "The load bias cannot be told: the reference has labelled no voxel of the cases that count.",
        )

    def test_of_some_cases_only_weigh_nothing(self) -> None:
        """What is predicted where the reference is empty counts as too much: 10 of 100."""
        figures = judge(build_table([0.5] * 3, loads=(100, 10, 0), references=(100, 0, 0)))
        assert figures.load_bias is not None
        assert figures.load_bias.estimate == pytest.approx(0.1)
        assert math.isfinite(figures.load_bias.low)


class TestCountedCases:
    TABLE = build_table([0.8] * 3)
    DIGESTS: ClassVar = {"c0": "a", "c1": "b", "c2": "c"}

    def test_are_all_where_nothing_was_vouched_for(self) -> None:
        assert select_counted(self.TABLE, self.DIGESTS, None) == ["c0", "c1", "c2"]

    def test_leave_out_masks_that_changed_and_masks_that_are_new(self) -> None:
        assert select_counted(self.TABLE, self.DIGESTS, {"c0": "a", "c1": "other"}) == ["c0"]

    def test_do_not_need_masks_that_are_gone(self) -> None:
        vouched = {**self.DIGESTS, "c9": "z"}
        assert select_counted(self.TABLE, self.DIGESTS, vouched) == ["c0", "c1", "c2"]

    def test_may_be_none(self) -> None:
        assert select_counted(self.TABLE, self.DIGESTS, {}) == []


class TestSettings:
    @pytest.mark.parametrize(
        "values",
        [{"dice_margin": -0.1}, {"dice_margin": 1.1}, {"load_bias_limit": 0}, {"min_cases": 1}, {"margin": 0.1}],
    )
    def test_that_make_no_sense_are_refused_by_name(self, values: dict[str, float]) -> None:
        with pytest.raises(SettingsError, match=next(iter(values))):
            GateSettings.parse(values, where="tests")

    def test_are_told_apart_by_their_terms(self) -> None:
        terms = {
            BOUNDS.model_copy(update=change).describe(reference, digest)
            for change in ({}, {"dice_margin": 0.051}, {"load_bias_limit": 0.26}, {"min_cases": 4})
            for reference in ("ann", "ben")
            for digest in ("11", "22")
        }
        assert len(terms) == 16
