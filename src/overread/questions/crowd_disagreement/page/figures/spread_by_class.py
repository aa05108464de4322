"""Measures of disagreement by class, as figure 4 of Cheplygina and Pluim (2018)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from overread.questions.crowd_disagreement.page.figures.class_colours import NEGATIVE, POSITIVE, ClassStyle
from overread.questions.crowd_disagreement.results import OutcomeClasses, SpreadContrast
from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.formatting import format_number
from overread.report.palette import GRID, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_WIDTH_PX, _ROW_PX, _FRAME_PX = 460, 74, 56
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
    with start_drawing(_WIDTH_PX, _FRAME_PX + _ROW_PX * len(contrasts)) as drawing:
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
        return finish_drawing(drawing, _describe(contrasts, outcome))


def _draw_strip(axes: "Axes", values: NDArray[np.float64], place: float, style: ClassStyle) -> None:
    """Marks are moved up and down by a fixed sequence, so that equal values do not cover each other."""
    offsets = _JITTER * (2 * (np.arange(len(values)) * _GOLDEN_RATIO % 1) - 1)
    axes.scatter(
        values, place + offsets, s=13, marker=style.marker, color=style.colour, alpha=0.55, linewidth=0, zorder=2
    )
    low, median, high = np.quantile(values, [0.25, 0.5, 0.75])
    axes.plot([low, high], [place, place], color=INK, linewidth=1.6, zorder=3)
    axes.plot([median, median], [place - _JITTER, place + _JITTER], color=INK, linewidth=2.6, zorder=3)


def _describe(contrasts: Sequence[SpreadContrast], outcome: OutcomeClasses) -> str:
    parts = [
        f"{one.name}: median {format_number(one.positive_median, 2)} against {format_number(one.negative_median, 2)}"
        for one in contrasts
    ]
    return f"Disagreement of {outcome.column} {outcome.positive} against {outcome.negative}. {'; '.join(parts)}."
