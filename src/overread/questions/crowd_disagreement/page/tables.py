"""The tables of what tells the outcome, and of who disagrees about what."""

from collections.abc import Sequence

from overread.questions.crowd_disagreement.page.paper import quote_paper
from overread.questions.crowd_disagreement.page.wording import is_shown, write_bounds
from overread.questions.crowd_disagreement.results import (
    CrowdSettings,
    FeatureSetScore,
    OutcomeClasses,
    PermutationTest,
    SpreadContrast,
)
from overread.report.formatting import ABSENT, format_confidence, format_number, format_p, format_percent
from overread.report.table import Cell, CellContent, Column, Table

_NOTEWORTHY = 0.005
"""Difference of two AUC from which on two decimals differ."""


def is_changed_by_order(score: FeatureSetScore) -> bool:
    """Whether the order of z-scoring makes a difference that two decimals show."""
    return abs(score.auc.estimate - score.other_order_auc) >= _NOTEWORTHY


def build_score_table(
    experiments: Sequence[tuple[str, Sequence[FeatureSetScore]]], settings: CrowdSettings, *, quotes_paper: bool
) -> Table:
    """The AUC of every set of features.

    Args:
        experiments: heading and scores of each.
        settings: of the analysis.
        quotes_paper: whether the paper's figures stand beside.
    """
    other_order = "over all cases" if settings.leak_free else "inside each training fold"
    columns = [
        Column("Features"),
        Column("Number", "number"),
        Column("AUC", "number"),
        Column(f"{format_confidence(settings.confidence)} interval", "number"),
        *([Column("Paper", "number")] if quotes_paper else []),
        Column("Std of repeats", "number"),
        Column(f"AUC, z-scored {other_order}", "number"),
    ]
    rows: list[list[CellContent]] = []
    for title, scores in experiments:
        rows.append([Cell(title, "group", span=len(columns))])
        rows.extend(_describe_score(score, quotes_paper=quotes_paper) for score in scores)
    return Table(label="AUC of every set of features", columns=columns, rows=rows, style="dense")


def _describe_score(score: FeatureSetScore, *, quotes_paper: bool) -> list[CellContent]:
    return [
        score.title,
        str(score.size),
        Cell(format_number(score.auc.estimate, 3), "number", is_bold=True),
        write_bounds(score.auc),
        *([quote_paper(score.key) or ABSENT] if quotes_paper else []),
        format_number(score.repeat_std, 3),
        Cell(format_number(score.other_order_auc, 3), "number", is_bold=is_changed_by_order(score)),
    ]


def build_test_table(tests: Sequence[PermutationTest], *, is_ratings: bool) -> Table:
    """Disagreement against random orders: of the outcomes for ratings, of what size leaves unexplained for masks."""
    return Table(
        label="Permutation tests",
        columns=[
            "Features",
            Column("AUC", "number"),
            Column("Random orders, mean", "number"),
            Column("95th percentile", "number"),
            "Permutation test",
            "after Holm",
            "Better than chance" if is_ratings else "More than size",
        ],
        rows=[
            [
                test.title,
                format_number(test.observed, 3),
                format_number(test.chance_mean, 3),
                format_number(test.chance_high, 3),
                format_p(test.p),
                "one test" if test.p_holm is None else format_p(test.p_holm),
                "yes" if is_shown(test) else "cannot tell",
            ]
            for test in tests
        ],
    )


def build_contrast_table(contrasts: Sequence[SpreadContrast], outcome: OutcomeClasses) -> Table:
    """Every measure of disagreement in both classes."""
    return Table(
        label="Disagreement by class",
        columns=[
            "Measure",
            Column(f"Median, {outcome.positive}", "number"),
            Column(f"Median, {outcome.negative}", "number"),
            Column(f"Pairs with more for {outcome.positive}", "number"),
            "Test after Holm",
        ],
        rows=[
            [
                one.name,
                format_number(one.positive_median, 2),
                format_number(one.negative_median, 2),
                format_percent(one.positive_higher),
                format_p(one.p_holm),
            ]
            for one in contrasts
        ],
        style="dense",
    )
