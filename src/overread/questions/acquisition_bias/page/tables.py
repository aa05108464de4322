"""The tables of what the probes found."""

import math
from collections.abc import Sequence

from overread.evaluation.confounding import Confounder
from overread.evaluation.results import Interval
from overread.questions.acquisition_bias.matching import ClassProfile, Matching
from overread.questions.acquisition_bias.page.wording import write_bounds, write_score
from overread.questions.acquisition_bias.results import (
    VARIANT_TITLES,
    AcquisitionEvaluation,
    ErrorRate,
    FallVerdict,
    VariantScore,
)
from overread.report.answer import Mark
from overread.report.formatting import ABSENT, format_confidence, format_count, format_number, format_p, format_percent
from overread.report.table import Cell, CellContent, Column, Table

_DESCRIPTIVE = "Descriptive, intervals over subjects only"
_FALL_MARKS: dict[FallVerdict, Mark] = {
    "falls": "yes",
    "rises": "yes",
    "no difference that matters": "no-difference",
    "cannot tell": "not-shown",
}


def build_variant_table(evaluation: AcquisitionEvaluation) -> Table:
    """AUROC within folds with its verdict, then AUROC of all folds together, accuracy, and accuracy on every class."""
    return Table(
        label="Accuracy and AUROC of every region",
        columns=[
            "What it sees",
            "AUROC within folds",
            "Verdict",
            Column("AUROC of all folds together", group=_DESCRIPTIVE),
            Column("Accuracy", group=_DESCRIPTIVE),
            *(Column(label, group=_DESCRIPTIVE) for label in evaluation.class_counts),
        ],
        rows=[_describe_variant(score, evaluation) for score in evaluation.variants],
        style="results",
    )


def _describe_variant(score: VariantScore, evaluation: AcquisitionEvaluation) -> list[CellContent]:
    is_spread = not evaluation.single_slice
    auroc_std, accuracy_std = (score.auroc_std, score.accuracy_std) if is_spread else (None, None)
    found = {one.label: _fill_score(one.interval, 2, f"n = {one.case_count}") for one in score.by_class}
    return [
        VARIANT_TITLES[score.variant],
        _fill_score(score.test.auroc, 3, *_note_left_out(score.test.left_out)),
        Cell(score.test.verdict, "verdict", mark="yes" if score.test.is_told else "not-shown"),
        _fill_score(score.auroc, 3, *_note_spread(auroc_std)),
        _fill_score(score.accuracy, 2, *_note_spread(accuracy_std)),
        *(found.get(label, ABSENT) for label in evaluation.class_counts),
    ]


def _fill_score(interval: Interval, decimals: int, *notes: str) -> Cell:
    return Cell(format_number(interval.estimate, decimals), "figure", (write_bounds(interval), *notes))


def _note_left_out(count: int) -> list[str]:
    return [f"{format_count(count, 'fold')} of one class left out"] if count else []


def _note_spread(std: float | None) -> list[str]:
    return [] if std is None else [f"± {format_number(std, 3)} over packages"]


def build_test_table(evaluation: AcquisitionEvaluation) -> Table:
    """The tests of the regions."""
    columns: list[Column | str] = ["What it sees", "AUROC of each fold", "p, t-test over folds", "after Holm"]
    if evaluation.shuffles:
        columns.append(f"p from {evaluation.shuffles} shuffles, of all regions together")
    return Table(
        label="Tests of the AUROC within folds",
        columns=columns,
        rows=[
            [
                VARIANT_TITLES[score.variant],
                ", ".join(format_number(value, 2) for value in score.test.by_fold),
                format_p(score.test.p),
                format_p(score.test.p_holm),
                *([format_p(score.test.p_shuffled)] if evaluation.shuffles else []),
            ]
            for score in evaluation.variants
        ],
        style="dense",
    )


def build_fall_table(evaluation: AcquisitionEvaluation) -> Table:
    """How AUROC within folds differs between regions."""
    level = format_confidence(evaluation.confidence)
    return Table(
        label="Differences of AUROC",
        columns=["AUROC of", "minus that of", f"Difference ({level} interval)", "t-test after Holm", "Verdict"],
        rows=[
            [
                VARIANT_TITLES[fall.left],
                VARIANT_TITLES[fall.seen],
                write_score(fall.difference),
                format_p(fall.p_holm),
                Cell(fall.verdict, "verdict", mark=_FALL_MARKS[fall.verdict]),
            ]
            for fall in evaluation.falls
        ],
    )


def build_confounding_table(columns: Sequence[Confounder]) -> Table:
    """How other columns of the case table go together with the target."""
    return Table(
        label="Cramér's V of every column with the target",
        columns=[
            "Column",
            Column("Cramér's V, corrected", "number"),
            Column("Cramér's V", "number"),
            Column("Values", "number"),
            Column("Named from it alone", "number"),
            "Confounded",
        ],
        rows=[
            [
                one.column,
                format_number(one.corrected_v, 2),
                format_number(one.cramers_v, 2),
                f"{one.value_count}{' bins' if one.is_binned else ''}",
                format_percent(one.guess_rate),
                "yes" if one.is_strong else "no",
            ]
            for one in columns
        ],
    )


def build_matching_table(matching: Matching) -> Table:
    """Age and sex of every class, before and, where something was matched, after."""
    stages = [("in the study", matching.before)]
    if matching.outcome == "matched":
        stages.append(("matched", matching.after))
    return Table(
        label="Age and sex of every class",
        columns=[
            "Class",
            "Which subjects",
            Column("Subjects", "number"),
            Column("Cases", "number"),
            "Age in years",
            "Sex",
            "Age bands",
        ],
        rows=[_describe_class(profile, stage) for stage, profiles in stages for profile in profiles],
    )


def _describe_class(profile: ClassProfile, stage: str) -> list[str]:
    age = format_number(profile.age_mean, 1)
    if profile.age_std is not None:
        age += f" ± {format_number(profile.age_std, 1)}"
    return [
        profile.label,
        stage,
        str(profile.subject_count),
        str(profile.case_count),
        age,
        _list_counts(profile.sexes),
        _list_counts(profile.bands),
    ]


def _list_counts(counts: dict[str, int]) -> str:
    if set(counts) <= {"unknown"}:
        return ABSENT
    return ", ".join(f"{name}: {count}" for name, count in counts.items())


def build_error_table(evaluation: AcquisitionEvaluation) -> Table:
    """Errors of the probe on whole slices by class, age and sex."""
    level = format_confidence(evaluation.confidence)
    return Table(
        label="Rates of error by class, age and sex",
        columns=[
            "By",
            "Group",
            Column("Cases", "number"),
            Column("Error rate", "number"),
            f"{level} interval, subjects only",
        ],
        rows=[
            [
                entry.grouping,
                entry.value,
                str(entry.case_count),
                format_percent(entry.rate.estimate),
                _write_rate_bounds(entry),
            ]
            for entry in evaluation.errors
        ],
    )


def _write_rate_bounds(entry: ErrorRate) -> str:
    if math.isnan(entry.rate.low):
        return "unknown (one subject)"
    return f"{format_percent(entry.rate.low)} to {format_percent(entry.rate.high)}"
