"""An evaluation of the acquisition probe with the AUROCs that a test asks for."""

from overread.evaluation.confounding import Confounder, Confounding
from overread.evaluation.results import Interval
from overread.questions.acquisition_bias.matching import ClassProfile, Matching
from overread.questions.acquisition_bias.results import (
    AcquisitionEvaluation,
    AurocFall,
    ClassAccuracy,
    ErrorRate,
    FallVerdict,
    RegionTest,
    VariantScore,
)

TOLD, NOT_TOLD = (0.9, 0.8, 0.97), (0.55, 0.4, 0.7)
"""AUROC within folds; what lies wholly above 0.7 is told."""


def make_interval(values: tuple[float, float, float]) -> Interval:
    estimate, low, high = values
    return Interval(estimate=estimate, low=low, high=high)


def make_test(auroc: tuple[float, float, float], p_shuffled: float | None = None) -> RegionTest:
    is_told = auroc[1] > 0.7
    p = 0.002 if is_told else 0.2
    return RegionTest(
        auroc=make_interval(auroc),
        by_fold=auroc,
        left_out=0,
        p=p,
        p_holm=4 * p,
        p_shuffled=p_shuffled,
        is_told=is_told,
    )


def make_variant(name: str, auroc: tuple[float, float, float], p_shuffled: float | None = None) -> VariantScore:
    accuracy = make_interval((0.8, 0.7, 0.9))
    by_class = tuple(ClassAccuracy(label=label, case_count=10, interval=accuracy) for label in ("ACME", "Other"))
    return VariantScore(
        variant=name,
        test=make_test(auroc, p_shuffled),
        accuracy=accuracy,
        accuracy_std=0.02,
        auroc=make_interval((0.7, 0.6, 0.8)),
        auroc_std=0.01,
        by_class=by_class,
        roc=None,
        confusion=((8, 2), (2, 8)),
    )


def make_column(name: str, v: float) -> Confounder:
    return Confounder(column=name, value_count=2, is_binned=False, cramers_v=v, corrected_v=v, guess_rate=0.5)


def make_matching(outcome: str = "matched", dropped: tuple[str, ...] = ()) -> Matching:
    profile = ClassProfile(
        label="ACME", subject_count=5, case_count=10, age_mean=60, age_std=5, sexes={"F": 5}, bands={"60–69": 5}
    )
    return Matching.parse(
        {
            "outcome": outcome,
            "columns": () if outcome == "no-columns" else ("age", "sex"),
            "before": (profile,),
            "after": (profile,),
            "kept_share": 0.3,
            "dropped_cases": dropped,
        },
        where="test",
    )


def make_evaluation(
    *,
    confounded: tuple[tuple[str, float], ...] = (("site", 0.94),),
    fall: tuple[float, float, float] = (-0.3, -0.4, -0.2),
    fall_verdict: FallVerdict = "falls",
    p_shuffled: float | None = None,
    **aurocs: tuple[float, float, float],
) -> AcquisitionEvaluation:
    found = {"whole": TOLD, "outside": (0.99, 0.97, 1.0), "body": NOT_TOLD, "noise": NOT_TOLD}
    rates = (("class", "ACME", 0.1, 0.0, 0.2), ("class", "Other", 0.6, 0.5, 0.7), ("sex", "F", 0.2, 0.1, 0.3))
    return AcquisitionEvaluation(
        study="s",
        target="vendor",
        class_counts={"ACME": 10, "Other": 10},
        subject_count=12,
        unlabelled_cases=("x1",),
        matching=make_matching(),
        variants=tuple(make_variant(name, auroc, p_shuffled) for name, auroc in (found | aurocs).items()),
        falls=(
            AurocFall(
                seen="outside", left="body", difference=make_interval(fall), p=0.01, p_holm=0.03, verdict=fall_verdict
            ),
        ),
        errors=tuple(
            ErrorRate.parse(
                {"grouping": grouping, "value": value, "case_count": 10, "rate": make_interval((rate, low, high))},
                where="test",
            )
            for grouping, value, rate, low, high in rates
        ),
        confounding=Confounding(columns=tuple(make_column(*one) for one in confounded), skipped={"file": "unique"}),
        single_slice=False,
        fold_count=5,
        chance_std=0.2,
        matters=0.1,
        shuffles=0 if p_shuffled is None else 19,
        seed=0,
    )
