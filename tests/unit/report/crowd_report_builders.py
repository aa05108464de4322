"""An analysis of disagreement with chosen numbers, and the page that it makes."""

import numpy as np
import pandas as pd
from report_builders import build_context

from overread.evaluation.results import Interval
from overread.questions.crowd_disagreement.evaluation import CrowdAnalysis
from overread.questions.crowd_disagreement.results import (
    AUC_COLUMNS,
    CrowdEvaluation,
    CrowdSettings,
    FeatureSetScore,
    MeasuredTable,
    OutcomeClasses,
    PermutationTest,
    SpreadContrast,
)
from overread.report.context import RunContext

SETS = (
    ("all", "All ratings", "all"),
    ("feature:Color", "Color", "feature"),
    ("annotator:1", "Annotator 1", "annotator"),
    ("combined", "All moments", "combined"),
    ("consensus", "Mean alone (consensus)", "measure"),
    ("disagreement", "Disagreement alone (no mean)", "combined"),
    ("std", "Standard deviation alone", "measure"),
    ("skewness", "Skewness alone", "measure"),
)
SOURCE_SETS = (
    ("combined", "Size and disagreement", "all"),
    ("consensus", "Size alone (log of the mean load)", "measure"),
    ("disagreement_measured", "Disagreement as measured, size in it", "combined"),
    ("disagreement", "Disagreement freed of size", "combined"),
    ("std", "Spread of loads, freed of size", "measure"),
    ("skewness", "Dice of pairs, freed of size", "measure"),
)
ALONE = ("disagreement", "std", "skewness")


def build_score(key: str, title: str, group: str, auc: float, reach: float) -> FeatureSetScore:
    return FeatureSetScore(
        key=key,
        title=title,
        group=group,
        size=6,
        is_disagreement=key in ALONE,
        auc=Interval(estimate=auc, low=auc - reach, high=auc + reach),
        repeat_std=0.012,
        other_order_auc=auc - (0.0125 if key == "skewness" else 0.001),
    )


def build_test(key: str, title: str, p: float, p_holm: float | None) -> PermutationTest:
    return PermutationTest(
        key=key,
        title=title,
        observed=0.75,
        chance_mean=0.5,
        chance_high=0.66,
        permutations=99,
        p=p,
        p_holm=p_holm,
    )


def build_tests(kind: str, p: float) -> tuple[PermutationTest, ...]:
    if kind == "ratings":
        return (
            build_test("disagreement", "Disagreement alone (no mean)", p, None),
            build_test("std", "Standard deviation alone", p, 2 * p),
            build_test("skewness", "Skewness alone", 0.4, 0.4),
        )
    return (
        build_test("combined", "Size and disagreement", p, None),
        build_test("disagreement", "Disagreement freed of size", 0.9, None),
        build_test("std", "Spread of loads, freed of size", p, 2 * p),
        build_test("skewness", "Dice of pairs, freed of size", 0.4, 0.4),
    )


def build_evaluation(
    *,
    auc: float = 0.9,
    reach: float = 0.05,
    p: float = 0.01,
    gain: tuple[float, float, float] = (0.02, -0.01, 0.05),
    kind: str = "ratings",
) -> CrowdEvaluation:
    sets = SETS if kind == "ratings" else SOURCE_SETS
    return CrowdEvaluation(
        table=MeasuredTable(
            kind=kind,
            name="moles",
            columns=12,
            annotators=("1", "2"),
            features=("Color", "Border"),
            layout="{feature}_7_{annotator}" if kind == "ratings" else "",
        ),
        outcome=OutcomeClasses(column="<melanoma>", negative="0", positive="1", negative_count=8, positive_count=4),
        case_count=12,
        subject_count=12,
        incomplete=("case & x",),
        without_outcome=(),
        unmeasured=(),
        settings=CrowdSettings(folds=4, repeats=3, permutations=99),
        seed=0,
        scores=tuple(build_score(*one, auc, reach) for one in sets),
        gain=Interval(estimate=gain[0], low=gain[1], high=gain[2]),
        tests=build_tests(kind, p),
        contrasts=(
            SpreadContrast(
                name="Color", positive_median=0.5, negative_median=-0.25, positive_higher=0.75, p=0.02, p_holm=0.02
            ),
        ),
        explained=(0.5, 0.25),
    )


def build_analysis(evaluation: CrowdEvaluation) -> CrowdAnalysis:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(12, 3))
    cases = pd.DataFrame(
        {
            "case_id": [f"c{index}" for index in range(12)],
            "subject_id": [f"c{index}" for index in range(12)],
            "outcome": ["1"] * 4 + ["0"] * 8,
            "component_1": values[:, 0],
            "component_2": values[:, 1],
            "spread:Color": values[:, 2],
        }
    )
    permuted = pd.DataFrame({test.key: generator.uniform(0.3, 0.7, 99) for test in evaluation.tests})
    return CrowdAnalysis(evaluation, cases, pd.DataFrame(columns=list(AUC_COLUMNS)), permuted)


def build_crowd_context(preset: str) -> RunContext:
    return build_context(("ratings", "outcomes")).model_copy(
        update={"preset": preset, "pipeline": "crowd-disagreement"}
    )
