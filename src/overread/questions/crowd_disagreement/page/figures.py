"""The figures of the analysis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from overread.questions.crowd_disagreement.page.wording import write_auc
from overread.questions.crowd_disagreement.results import (
    FeatureSetScore,
    OutcomeClasses,
    PermutationTest,
    SpreadContrast,
)
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_number, format_p, format_percent
from overread.report.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame


@dataclass(frozen=True)
class ClassStyle:
    """How one class looks: colour, matplotlib marker, and its name in the style sheet."""

    colour: str
    marker: str
    mark: str


POSITIVE = ClassStyle("#d55e00", "D", "diamond")
NEGATIVE = ClassStyle("#0072b2", "o", "dot")


DISAGREEMENT_COLOUR = "#009e73"

_WIDTH_PX, _ROW_PX, _FRAME_PX = 350, 36, 60
_CHANCE = 0.5
_MARGIN = 0.03


def draw_auc_forest(scores: Sequence[FeatureSetScore], *, lowest: float) -> Figure:
    """Draw one interval per set of features, named above its line, with a line at chance.

    Args:
        scores: at least one.
        lowest: smallest value of the axis, so that several figures can share it.
    """
    with start_drawing(_WIDTH_PX, _FRAME_PX + _ROW_PX * len(scores)) as drawing:
        axes = drawing.add_subplot()
        axes.axvline(_CHANCE, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        for place, score in enumerate(scores):
            _draw_row(axes, place, score)
        axes.set(xlim=(lowest - _MARGIN, 1 + _MARGIN), ylim=(len(scores) - 0.4, -0.9), yticks=[])
        axes.set_xlabel("AUC of held-out cases (0.5 is chance)")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        return finish_drawing(drawing, _describe(scores))


def find_lowest(scores: Sequence[FeatureSetScore]) -> float:
    """Lowest bound of the intervals, at most 0.5."""
    return min([_CHANCE, *(score.auc.low for score in scores)])


def _draw_row(axes: "Axes", place: int, score: FeatureSetScore) -> None:
    colour = DISAGREEMENT_COLOUR if score.is_disagreement else INK
    axes.plot([score.auc.low, score.auc.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(score.auc.estimate, place, "D" if score.is_disagreement else "o", color=colour, markersize=7)
    label = axes.text(0.0, place - 0.3, score.title, transform=axes.get_yaxis_transform(), fontsize=9, va="bottom")
    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})


def _describe(scores: Sequence[FeatureSetScore]) -> str:
    return f"AUC with intervals. {'; '.join(f'{score.title}: {write_auc(score.auc)}' for score in scores)}."


_CASE_EMBEDDING_WIDTH_PX, _HEIGHT_PX = 460, 380


def draw_case_embedding(cases: "DataFrame", outcome: OutcomeClasses, explained: tuple[float, float]) -> Figure:
    """Draw one mark per case at its first two components; both axes have one scale.

    Args:
        cases: CASE_COLUMNS.
        outcome: names of the classes.
        explained: share of the variance along each component.
    """
    with start_drawing(_CASE_EMBEDDING_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        for name, style in ((outcome.negative, NEGATIVE), (outcome.positive, POSITIVE)):
            rows = cases[cases["outcome"] == name]
            axes.scatter(
                rows["component_1"],
                rows["component_2"],
                s=34,
                marker=style.marker,
                facecolor=style.colour,
                edgecolor="white",
                linewidth=0.7,
                alpha=0.85,
            )
        axes.set_xlabel(f"first component ({format_percent(explained[0])} of the variance)")
        axes.set_ylabel(f"second component ({format_percent(explained[1])})")
        axes.set_aspect("equal", adjustable="datalim")
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        return finish_drawing(drawing, _describe_case_embedding(cases, outcome))


def _describe_case_embedding(cases: "DataFrame", outcome: OutcomeClasses) -> str:
    means = cases.groupby("outcome")[["component_1", "component_2"]].mean()
    parts = [
        f"{outcome.column} {name} centred at {row['component_1']:.1f}, {row['component_2']:.1f}"
        for name, row in means.iterrows()
    ]
    return f"{len(cases)} cases by their first two principal components: {'; '.join(parts)}."


_PERMUTATION_HISTOGRAM_WIDTH_PX, _PERMUTATION_HISTOGRAM_HEIGHT_PX = 350, 250
_BINS = 30


def draw_permutation_histogram(test: PermutationTest, permuted: Sequence[float]) -> Figure:
    """Draw the AUC of all random orders as a histogram, and that of the true order as a line.

    Args:
        test: the true order.
        permuted: AUC of each random order.
    """
    with start_drawing(_PERMUTATION_HISTOGRAM_WIDTH_PX, _PERMUTATION_HISTOGRAM_HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        axes.hist(permuted, bins=_BINS, color="#b9c4ce", edgecolor="white", linewidth=0.4)
        axes.axvline(test.chance_high, color=MUTED, linewidth=1.4, linestyle=(0, (4, 3)))
        axes.axvline(test.observed, color=DISAGREEMENT_COLOUR, linewidth=3)
        axes.set(xlabel="AUC", ylabel="random orders")
        axes.margins(x=0.06)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe_permutation_histogram(test))


def _describe_permutation_histogram(test: PermutationTest) -> str:
    mean, high, observed = (format_number(v, 2) for v in (test.chance_mean, test.chance_high, test.observed))
    return (
        f"{test.title}: AUC of {test.permutations} random orders, mean {mean}, 95th percentile {high}; "
        f"true order {observed}, {format_p(test.p)}."
    )


_SPREAD_BY_CLASS_WIDTH_PX, _SPREAD_BY_CLASS_ROW_PX, _SPREAD_BY_CLASS_FRAME_PX = 460, 74, 56
_JITTER = 0.14
_GOLDEN_RATIO = 0.618034
_PLACES = {True: 0.0, False: 0.42}
"""Of the strips of both classes below the name of their measure, in rows."""


def draw_spread_by_class(cases: "DataFrame", contrasts: Sequence[SpreadContrast], outcome: OutcomeClasses) -> Figure:
    """Draw two strips per measure, one mark per case, with the quartiles of each strip.

    Args:
        cases: CASE_COLUMNS and a column per measure.
        contrasts: the measures.
        outcome: names of the classes.
    """
    with start_drawing(
        _SPREAD_BY_CLASS_WIDTH_PX, _SPREAD_BY_CLASS_FRAME_PX + _SPREAD_BY_CLASS_ROW_PX * len(contrasts)
    ) as drawing:
        axes = drawing.add_subplot()
        for place, contrast in enumerate(contrasts):
            for name, style, is_positive in ((outcome.positive, POSITIVE, True), (outcome.negative, NEGATIVE, False)):
                values = cases.loc[cases["outcome"] == name, contrast.column].to_numpy(np.float64)
                _draw_strip(axes, values, place + _PLACES[is_positive], style)
            label = (0.0, place - 0.2)
            axes.text(*label, contrast.name, transform=axes.get_yaxis_transform(), fontsize=9, va="bottom")
        axes.set(yticks=[], ylim=(len(contrasts) - 0.3, -0.55))
        axes.set_xlabel("disagreement, in standard deviations (more →)")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        return finish_drawing(drawing, _describe_spread(contrasts, outcome))


def _draw_strip(axes: "Axes", values: NDArray[np.float64], place: float, style: ClassStyle) -> None:
    """Marks are moved up and down by a fixed sequence, so that equal values do not cover each other."""
    offsets = _JITTER * (2 * (np.arange(len(values)) * _GOLDEN_RATIO % 1) - 1)
    axes.scatter(
        values, place + offsets, s=13, marker=style.marker, color=style.colour, alpha=0.55, linewidth=0, zorder=2
    )
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    axes.plot([low, high], [place, place], color=INK, linewidth=1.6, zorder=3)
    axes.plot([median, median], [place - _JITTER, place + _JITTER], color=INK, linewidth=2.6, zorder=3)


def _describe_spread(contrasts: Sequence[SpreadContrast], outcome: OutcomeClasses) -> str:
    parts = [
        f"{one.name}: median {format_number(one.positive_median, 2)} against {format_number(one.negative_median, 2)}"
        for one in contrasts
    ]
    return f"Disagreement of {outcome.column} {outcome.positive} against {outcome.negative}. {'; '.join(parts)}."
