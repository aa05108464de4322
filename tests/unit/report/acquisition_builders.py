"""An evaluation of the acquisition probe with the AUROCs that a test asks for."""

from overread.evaluation.confounding import Confounder, Confounding
from overread.evaluation.results import Interval
from overread.questions.acquisition_bias.matching import ClassProfile, Matching
from overread.questions.acquisition_bias.results import (
    AcquisitionEvaluation,
    AurocFall,
    ClassAccuracy,
    ErrorRate,
    VariantScore,
)

TOLD, NOT_TOLD = (0.9, 0.8, 0.97), (0.55, 0.4, 0.7)


def make_interval(values: tuple[float, float, float]) -> Interval:
    estimate, low, high = values
    return Interval(estimate=estimate, low=low, high=high)


def make_variant(name: str, auroc: tuple[float, float, float]) -> VariantScore:
    accuracy = make_interval((0.8, 0.7, 0.9))
    by_class = tuple(ClassAccuracy(label=label, case_count=10, interval=accuracy) for label in ("ACME", "Other"))
    return VariantScore(
        variant=name,
        accuracy=accuracy,
        accuracy_std=0.02,
        auroc=make_interval(auroc),
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
    **aurocs: tuple[float, float, float],
) -> AcquisitionEvaluation:
    found = {"whole": TOLD, "outside": (0.99, 0.97, 1.0), "body": NOT_TOLD, "noise": NOT_TOLD, "shuffled": NOT_TOLD}
    rates = (("class", "ACME", 0.1, 0.0, 0.2), ("class", "Other", 0.6, 0.5, 0.7), ("sex", "F", 0.2, 0.1, 0.3))
    return AcquisitionEvaluation(
        study="s",
        target="vendor",
        class_counts={"ACME": 10, "Other": 10},
        subject_count=12,
        unlabelled_cases=("x1",),
        matching=make_matching(),
        variants=tuple(make_variant(name, auroc) for name, auroc in (found | aurocs).items()),
        falls=(AurocFall(seen="outside", left="body", difference=make_interval(fall)),),
        errors=tuple(
            ErrorRate.parse(
                {"grouping": grouping, "value": value, "case_count": 10, "rate": make_interval((rate, low, high))},
                where="test",
            )
            for grouping, value, rate, low, high in rates
        ),
        confounding=Confounding(columns=tuple(make_column(*one) for one in confounded), skipped={"file": "unique"}),
        single_slice=False,
        seed=0,
    )
