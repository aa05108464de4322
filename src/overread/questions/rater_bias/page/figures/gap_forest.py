"""The Dice gap of every pair of sources with its interval."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from overread.evaluation.results import Interval
from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.formatting import write_interval
from overread.report.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_PX, _ROW_PX, _FRAME_PX = 350, 36, 60


def draw_gap_forest(rows: Sequence[tuple[str, Interval]]) -> Figure:
    """Draw one interval per row, named above its line, with a line at 0; the first row stands for all pairs."""
    with start_drawing(_WIDTH_PX, _FRAME_PX + _ROW_PX * len(rows)) as drawing:
        axes = drawing.add_subplot()
        axes.axvline(0, color=MUTED, linewidth=1.2)
        for place, (name, gap) in enumerate(rows):
            _draw_row(axes, place, name, gap)
        axes.set(xlim=_choose_limits([gap for _, gap in rows]), ylim=(len(rows) - 0.4, -0.9))
        axes.set(yticks=[], xlabel="Dice, own minus other")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        return finish_drawing(drawing, _describe(rows))


def _draw_row(axes: "Axes", place: int, name: str, gap: Interval) -> None:
    axes.plot([gap.low, gap.high], [place, place], color=INK, linewidth=2, solid_capstyle="butt")
    axes.plot(gap.estimate, place, "D" if place == 0 else "o", color=INK, markersize=7)
    label = axes.text(0.0, place - 0.3, name, transform=axes.get_yaxis_transform(), fontsize=9, va="bottom")
    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})


def _choose_limits(gaps: Sequence[Interval]) -> tuple[float, float]:
    ends = [end for gap in gaps for end in (gap.low, gap.estimate, gap.high) if np.isfinite(end)]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    margin = 0.06 * (high - low) or 0.1
    return low - margin, high + margin


def _describe(rows: Sequence[tuple[str, Interval]]) -> str:
    written = ((name, write_interval(gap)) for name, gap in rows)
    parts = (f"{name}: {gap.estimate} ({gap.bounds})" for name, gap in written)
    return f"Difference of Dice, own minus other, with intervals. {'; '.join(parts)}."
