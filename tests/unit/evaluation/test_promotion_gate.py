"""The gate of retraining, on tables whose figures follow by hand."""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError, SettingsError
from overread.evaluation.results import COMPARISON_COLUMNS
from overread.evaluation.skill import Skill
from overread.questions.retrain.gate.bounds import bound_mean, bound_ratio, compute_chance
from overread.questions.retrain.gate.figures import GateFigures
from overread.questions.retrain.gate.rule import apply_gate, choose_anchor, select_counted
from overread.questions.retrain.gate.settings import GateSettings
from overread.questions.retrain.gate.wording import describe_chances

BOUNDS = GateSettings(dice_margin=0.05, load_bias_limit=0.25, risk=0.2)
REFERENCE_LOADS = (100.0, 200.0, 300.0, 400.0, 1000.0)
"""Unequal on purpose: they sum to 2000."""
SUBJECTS = ("s0", "s1", "s2", "s3", "s4")
T_80_4 = 0.9409646
"""Quantile .8 of Student's t with 4 degrees of freedom, from tables."""
SPREAD = (0.8, 0.9, 0.7, 0.9, 0.7)
"""Dice that differ from .8 by 0 and four times ±.1: their standard deviation is .1, that of their mean .1 / √5."""
LEARNT = Skill(own=0.8, guess=0.1)


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


def judge(
    challenger: pd.DataFrame,
    champion: pd.DataFrame | None = None,
    *,
    former: Mapping[int, pd.DataFrame] | None = None,
    skill: Skill | None = LEARNT,
    **changes: float,
) -> GateFigures:
    """The champion is version 9."""
    present = {} if champion is None else {9: champion}
    return apply_gate(
        challenger,
        {**present, **(former or {})},
        champion=None if champion is None else 9,
        skill=skill,
        settings=BOUNDS.model_copy(update=changes),
    )


class TestFigures:
    def test_load_bias_is_that_of_the_mean_loads(self) -> None:
        """+50, 0, 0, 0 and +150 of 2000 are 0.1; the mean of the shares per case would be (0.5 + 0.15) / 5 = 0.13."""
        figures = judge(build_table([0.8] * 5, loads=(150, 200, 300, 400, 1150)))
        assert figures.load_bias is not None
        assert figures.load_bias.estimate == pytest.approx(0.1)

    def test_the_spread_of_a_load_bias_is_that_between_subjects_around_it(self) -> None:
        """Residuals 50 - 10, -20, -30, -40 and 150 - 100 sum to 0, their squares to 7000; the mean load is 400."""
        figures = judge(build_table([0.8] * 5, loads=(150, 200, 300, 400, 1150)))
        reach = T_80_4 * math.sqrt(7000 / 4 / 5) / 400
        assert figures.load_bias is not None
        assert (figures.load_bias.low, figures.load_bias.high) == pytest.approx((0.1 - reach, 0.1 + reach))

    def test_the_anchor_s_load_bias_is_told_and_not_judged(self) -> None:
        figures = judge(build_table([0.8] * 5), build_table([0.8] * 5, loads=(0, 0, 0, 0, 0)))
        assert figures.anchor_load_bias is not None
        assert figures.anchor_load_bias.estimate == pytest.approx(-1.0)
        assert figures.verdict == "promote"

    def test_dice_is_compared_subject_by_subject_whatever_the_order_of_the_tables(self) -> None:
        """Differences are 0.02 in every case, so the interval has no width; unpaired, it would."""
        champion = build_table([0.5, 0.6, 0.7, 0.8, 0.9])
        challenger = build_table([0.52, 0.62, 0.72, 0.82, 0.92]).iloc[::-1]
        difference = judge(challenger, champion).dice_difference
        assert difference is not None
        assert (difference.estimate, difference.low, difference.high) == pytest.approx((0.02, 0.02, 0.02))

    def test_a_difference_has_the_bounds_of_student_s_t_at_the_risk(self) -> None:
        difference = judge(build_table(SPREAD), build_table([0.8] * 5)).dice_difference
        assert difference is not None
        reach = T_80_4 * 0.1 / math.sqrt(5)
        assert (difference.low, difference.high) == pytest.approx((-reach, reach))
        assert difference.confidence == 0.6

    def test_each_subject_counts_once_however_many_cases_it_has(self) -> None:
        """Means .5 and .9 of two subjects are .7; over the cases it would be .6."""
        dice = judge(build_table([0.4, 0.5, 0.6, 0.9], subjects=["a", "a", "a", "b"])).challenger_dice
        assert dice is not None
        assert dice.estimate == pytest.approx(0.7)

    def test_tables_of_different_cases_are_refused(self) -> None:
        with pytest.raises(InputError, match=r"the same cases, got 5 cases, and 4 of version 9"):
            judge(build_table([0.8] * 5), build_table([0.8] * 4))

    def test_the_present_champion_cannot_be_left_out(self) -> None:
        with pytest.raises(InputError, match=r"must be compared with, got no table of version 2"):
            apply_gate(build_table([0.8] * 5), {}, champion=2, skill=LEARNT, settings=BOUNDS)


class TestAnchor:
    def test_is_the_best_champion_so_far_not_the_present_one(self) -> None:
        """.79 is .01 above the champion, and .08 below the one before: more than the margin."""
        champion, before = build_table([0.78] * 5), build_table([0.87] * 5)
        assert judge(build_table([0.79] * 5), champion).verdict == "promote"
        figures = judge(build_table([0.79] * 5), champion, former={4: before})
        assert (figures.verdict, figures.anchor) == ("refuse", 4)
        assert {score.version: score.dice for score in figures.scores} == pytest.approx({9: 0.78, 4: 0.87})
        assert figures.reasons[0].startswith(
            "Its Dice is lower than that of the best champion so far, version 4, by more than 0.05: -0.080"
        )

    def test_leaves_the_difference_with_the_present_champion_told(self) -> None:
        figures = judge(build_table([0.79] * 5), build_table([0.78] * 5), former={4: build_table([0.80] * 5)})
        assert figures.champion_difference is not None
        assert figures.champion_difference.estimate == pytest.approx(0.01)
        assert judge(build_table([0.79] * 5), build_table([0.78] * 5)).champion_difference is None

    def test_is_one_before_where_there_is_no_champion_any_more(self) -> None:
        figures = judge(build_table([0.7] * 5), former={3: build_table([0.8] * 5)})
        assert (figures.verdict, figures.anchor, figures.champion_dice) == ("refuse", 3, None)

    def test_is_the_newest_of_equal_ones(self) -> None:
        assert choose_anchor({2: 0.8, 7: 0.8, 5: 0.8, 3: 0.7}) == 7


class TestDecision:
    def test_a_challenger_that_is_neither_worse_nor_off_passes_without_a_word(self) -> None:
        figures = judge(build_table([0.8] * 5), build_table([0.8] * 5))
        assert figures.verdict == "promote"
        assert (figures.reasons, figures.doubts) == ((), ())

    @pytest.mark.parametrize(("loss", "verdict"), [(0.04, "promote"), (0.05, "promote"), (0.06, "refuse")])
    def test_dice_may_fall_by_the_margin_and_not_by_more(self, loss: float, verdict: str) -> None:
        figures = judge(build_table([0.8 - loss] * 5), build_table([0.8] * 5))
        assert figures.verdict == verdict
        assert len(figures.reasons) == (verdict == "refuse")

    def test_a_bound_that_reaches_past_the_margin_is_a_hold(self) -> None:
        """The low bound is -t · .1 / √5 = -.042 with 4 degrees of freedom."""
        tables = build_table(SPREAD), build_table([0.8] * 5)
        assert judge(*tables, dice_margin=0.0421).verdict == "promote"
        held = judge(*tables, dice_margin=0.042)
        assert (held.verdict, held.reasons) == ("hold", ())
        assert held.doubts == (
            "It may be that its Dice is lower than that of the best champion so far, version 9, by more than 0.042: "
            "+0.000, 60 % interval -0.042 to +0.042.",
        )

    def test_a_smaller_risk_holds_what_a_larger_one_lets_through(self) -> None:
        """t(.95, 4) is 2.132, so that the low bound is -.095."""
        tables = build_table(SPREAD), build_table([0.8] * 5)
        assert judge(*tables, risk=0.05).verdict == "hold"
        assert judge(*tables, risk=0.05, dice_margin=0.0954).verdict == "promote"

    @pytest.mark.parametrize(
        ("share", "verdict"),
        [(-0.26, "refuse"), (-0.25, "promote"), (0.0, "promote"), (0.25, "promote"), (0.26, "refuse")],
    )
    def test_loads_may_be_off_by_the_limit_either_way_and_not_by_more(self, share: float, verdict: str) -> None:
        loads = [load * (1 + share) for load in REFERENCE_LOADS]
        figures = judge(build_table([0.8] * 5, loads=loads), build_table([0.8] * 5))
        assert figures.verdict == verdict
        expected = f"±0.25 of the reference's mean load: {share:+.3f}, 60 % interval {share:+.3f} to {share:+.3f}."
        assert figures.reasons == ((f"Its load bias lies beyond {expected}",) if verdict == "refuse" else ())

    @pytest.mark.parametrize("sign", [1, -1])
    def test_a_load_bias_whose_bound_reaches_past_the_limit_is_a_hold(self, sign: int) -> None:
        """Biases of ±.1 with a reach of .044 (see above): kept at .145, open at .143."""
        loads = [load + sign * extra for load, extra in zip(REFERENCE_LOADS, (50, 0, 0, 0, 150), strict=True)]
        tables = build_table([0.8] * 5, loads=loads), build_table([0.8] * 5)
        assert judge(*tables, load_bias_limit=0.145).verdict == "promote"
        held = judge(*tables, load_bias_limit=0.143)
        assert held.verdict == "hold"
        assert held.doubts[0].startswith("It may be that its load bias lies beyond ±0.143")

    def test_a_figure_that_only_rounding_puts_past_its_bound_keeps_to_it(self) -> None:
        """0.77 - 0.8 is a hair below -0.03 in floating point, as 1.3 - 1 is above 0.3."""
        assert judge(build_table([0.77] * 5), build_table([0.8] * 5), dice_margin=0.03).verdict == "promote"
        loads = [1.3 * load for load in REFERENCE_LOADS]
        assert judge(build_table([0.8] * 5, loads=loads), load_bias_limit=0.3).verdict == "promote"

    def test_both_reasons_are_given(self) -> None:
        figures = judge(build_table([0.1] * 5, loads=[0.0] * 5), build_table([0.8] * 5))
        assert len(figures.reasons) == 2

    def test_a_refusal_weighs_more_than_a_doubt(self) -> None:
        figures = judge(build_table(SPREAD, loads=[0.0] * 5), build_table([0.8] * 5), dice_margin=0.01)
        assert (figures.verdict, len(figures.reasons), len(figures.doubts)) == ("refuse", 1, 1)

    def test_not_a_number_keeps_to_no_bound(self) -> None:
        nothing = bound_mean(np.array([math.nan] * 5), risk=0.2)
        assert BOUNDS.judge_difference(nothing) == "refuse"
        assert BOUNDS.judge_load_bias(nothing) == "refuse"

    @given(
        dice=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=5, max_size=5),
        margin=st.floats(0, 1),
        risk=st.floats(0.01, 0.49),
    )
    @settings(deadline=None, max_examples=30)
    def test_a_wider_margin_and_a_larger_risk_never_hold_back_what_was_let_through(
        self, dice: list[tuple[float, float]], margin: float, risk: float
    ) -> None:
        tables = [build_table([pair[index] for pair in dice]) for index in (0, 1)]
        if judge(*tables, dice_margin=margin / 2, risk=risk).verdict == "promote":
            assert judge(*tables, dice_margin=margin, risk=risk).verdict == "promote"
            assert judge(*tables, dice_margin=margin / 2, risk=0.499).verdict == "promote"


class TestFirstChampion:
    def test_is_judged_by_its_loads_and_skill_alone(self) -> None:
        figures = judge(build_table([0.5] * 5))
        assert figures.verdict == "promote"
        assert (figures.anchor, figures.anchor_dice, figures.dice_difference, figures.chances) == (None,) * 4

    def test_is_refused_where_its_loads_are_off(self) -> None:
        assert judge(build_table([0.9] * 5, loads=[2 * load for load in REFERENCE_LOADS])).verdict == "refuse"


class TestSkill:
    TOO_LITTLE = Skill(own=0.30, guess=0.28)
    """.02 of the .72 that are left: a skill of .028."""

    def test_that_is_too_little_is_refused_even_without_a_champion(self) -> None:
        figures = judge(build_table([0.3] * 5), skill=self.TOO_LITTLE)
        assert figures.verdict == "refuse"
        assert figures.reasons == (
            "It learnt too little: its Dice is 0.300, that of a mask which ignores the image 0.280; this is a skill of "
            "0.03, and 0.25 is asked for.",
        )

    def test_that_is_too_little_is_refused_however_bad_the_champion_and_few_the_subjects(self) -> None:
        assert judge(build_table([0.3] * 5), build_table([0.1] * 5), skill=self.TOO_LITTLE).verdict == "refuse"
        worse = judge(build_table([0.3] * 5), build_table([0.8] * 5), skill=self.TOO_LITTLE)
        assert [reason.split(":")[0] for reason in worse.reasons] == [
            "It learnt too little",
            "Its Dice is lower than that of the best champion so far, version 9, by more than 0.05",
        ]
        few = judge(build_table([0.3] * 3), skill=self.TOO_LITTLE)
        assert (few.verdict, few.doubts) == ("refuse", ())

    @pytest.mark.parametrize(("own", "verdict"), [(0.3999, "refuse"), (0.4001, "promote")])
    def test_of_a_quarter_of_the_way_to_perfect_is_enough(self, own: float, verdict: str) -> None:
        assert judge(build_table([own] * 5), skill=Skill(own=own, guess=0.2)).verdict == verdict


class TestFewSubjects:
    @pytest.mark.parametrize("count", [0, 1, 4])
    def test_are_a_hold_whatever_the_figures(self, count: int) -> None:
        for dice in (0.99, 0.1):
            figures = judge(build_table([dice] * count), build_table([0.5] * count))
            assert (figures.verdict, figures.reasons, figures.chances) == ("hold", (), None)
            assert figures.subject_count == count
            subjects = "subject counts" if count == 1 else "subjects count"
            assert figures.doubts == (f"Only {count} held-out {subjects}, and with fewer than 5 nothing can be told.",)

    def test_are_not_made_more_by_many_cases(self) -> None:
        figures = judge(build_table([0.8] * 5, subjects=["a", "a", "b", "c", "d"]))
        assert (figures.verdict, figures.subject_count, figures.case_count) == ("hold", 4, 5)

    def test_are_no_longer_few_where_there_are_five(self) -> None:
        assert judge(build_table([0.8] * 5)).verdict == "promote"

    def test_a_single_one_leaves_bounds_unknown(self) -> None:
        difference = judge(build_table([0.8] * 1), build_table([0.7] * 1)).dice_difference
        assert difference is not None
        assert difference.estimate == pytest.approx(0.1)
        assert math.isnan(difference.low)
        assert math.isnan(difference.high)


class TestEmptyReferences:
    def test_leave_the_load_bias_open_and_hold(self) -> None:
        figures = judge(build_table([1.0] * 5, loads=[0.0] * 5, references=[0.0] * 5), skill=None)
        assert figures.load_bias is None
        assert figures.verdict == "hold"
        assert figures.doubts == (
            "The load bias cannot be told: the reference has labelled no voxel of the cases that count.",
        )

    def test_of_some_subjects_only_weigh_nothing(self) -> None:
        """What is predicted where the reference is empty counts as too much: 10 of 100."""
        found = bound_ratio(np.array([0.0, 10.0, 0.0]), np.array([100.0, 0.0, 0.0]), risk=0.2)
        assert found is not None
        assert found.estimate == pytest.approx(0.1)
        assert math.isfinite(found.low)


class TestChances:
    def test_at_the_margin_are_the_risk_whatever_the_spread(self) -> None:
        for std in (0.0, 0.01, 0.2):
            assert compute_chance(-0.03, std=std, count=9, margin=0.03, risk=0.2) == pytest.approx(0.2)

    def test_without_a_spread_are_certain_on_either_side(self) -> None:
        assert compute_chance(0.0, std=0.0, count=9, margin=0.03, risk=0.2) == 1
        assert compute_chance(-0.05, std=0.0, count=9, margin=0.03, risk=0.2) == 0

    def test_of_many_subjects_are_those_of_the_normal_distribution(self) -> None:
        """.02 above the margin in units of .1 / √400 is 4; z(.8) is .8416, and P(Z < .8416 - 4) = .0008."""
        assert compute_chance(-0.01, std=0.1, count=400, margin=0.03, risk=0.2) == pytest.approx(0.9992, abs=0.0001)

    def test_come_with_the_worst_subject_and_are_said(self) -> None:
        figures = judge(build_table(SPREAD), build_table([0.8] * 5))
        assert figures.difference_std == pytest.approx(0.1)
        assert figures.chances is not None
        assert figures.chances.at_margin == pytest.approx(0.2)
        assert figures.chances.equal > 0.2 > figures.chances.beyond
        assert figures.worst is not None
        assert (figures.worst.subject_id, figures.worst.difference) == ("s2", pytest.approx(-0.1))
        said = describe_chances(figures, BOUNDS)
        assert said.startswith("With 5 subjects that vary like these (SD 0.100), the comparison of Dice lets through ")
        assert "20\u00a0% of those worse by 0.05 and" in said
        assert said.endswith("of those worse by 0.07. Worst subject: s2, -0.100, beside a mean of +0.000.")

    def test_are_not_said_where_nothing_was_compared(self) -> None:
        assert describe_chances(judge(build_table([0.8] * 5)), BOUNDS) == ""


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
        [
            {"dice_margin": -0.1},
            {"dice_margin": 1.1},
            {"load_bias_limit": 0},
            {"risk": 0},
            {"risk": 0.5},
            {"margin": 0.1},
        ],
    )
    def test_that_make_no_sense_are_refused_by_name(self, values: dict[str, float]) -> None:
        with pytest.raises(SettingsError, match=next(iter(values))):
            GateSettings.parse(values, where="tests")

    def test_are_told_apart_by_their_terms(self) -> None:
        terms = {
            BOUNDS.model_copy(update=change).describe(reference, digest)
            for change in ({}, {"dice_margin": 0.051}, {"load_bias_limit": 0.26}, {"risk": 0.1})
            for reference in ("ann", "ben")
            for digest in ("11", "22")
        }
        assert len(terms) == 16
