"""Intervals of challengers against the bounds of the gate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overread.evaluation.results import Interval
from overread.questions.retrain.page.gate import Finding
from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALLOWED_COLOUR = "#cfe8dc"
"""Fill of the values that the gate lets through."""

BEYOND_COLOUR = "#9b3200"
"""Of a figure that does not keep to its bounds."""

_WIDTH_PX, _ROW_PX, _FRAME_PX = 350, 44, 60
_FINDINGS: Mapping[Finding, str] = {
    "kept": "within its bounds",
    "unsure": "within its bounds, its interval not surely",
    "not kept": "not within its bounds",
}
_MOST_TICKS = 6
_SPAN = (-0.22, 0.3)
"""Upper and lower end of a row's band, below the row's name, in rows."""


@dataclass(frozen=True)
class BoundedRow:
    """One challenger.

    Attributes:
        name: of the network.
        interval: what is judged.
        written: the same as text.
        low: lower bound.
        high: upper bound; infinite where there is none.
        finding: whether it lies between the bounds.
    """

    name: str
    interval: Interval
    written: str
    low: float
    high: float
    finding: Finding


def draw_gate_bounds(rows: Sequence[BoundedRow], *, label: str) -> Figure:
    """Draw one interval per challenger, named above its line, on the band of values that its bounds allow.

    Args:
        rows: at least one.
        label: of the axis.
    """
    with start_drawing(_WIDTH_PX, _FRAME_PX + _ROW_PX * len(rows)) as drawing:
        axes = drawing.add_subplot()
        limits = _choose_limits(rows)
        for place, row in enumerate(rows):
            _draw_band(axes, place, row, limits)
            _draw_row(axes, place, row)
        axes.axvline(0, color=MUTED, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
        axes.set(xlim=limits, ylim=(len(rows) - 0.55, -0.7), yticks=[], xlabel=label)
        axes.locator_params(axis="x", nbins=_MOST_TICKS)
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        return finish_drawing(drawing, _describe(rows, label))


def _draw_band(axes: "Axes", place: int, row: BoundedRow, limits: tuple[float, float]) -> None:
    top, bottom = (place + end for end in _SPAN)
    left, right = max(row.low, limits[0]), min(row.high, limits[1])
    axes.fill_betweenx([top, bottom], left, right, color=ALLOWED_COLOUR, linewidth=0, zorder=0.5)
    bounds = [bound for bound in (row.low, row.high) if math.isfinite(bound)]
    axes.vlines(bounds, top, bottom, color=INK, linewidth=1.4, zorder=2)


def _draw_row(axes: "Axes", place: int, row: BoundedRow) -> None:
    colour = BEYOND_COLOUR if row.finding == "not kept" else INK
    interval = row.interval
    axes.plot([interval.low, interval.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt", zorder=3)
    marker = "D" if row.finding == "not kept" else "o"
    face = "white" if row.finding == "unsure" else colour
    axes.plot(interval.estimate, place, marker, color=colour, markerfacecolor=face, markersize=7, zorder=3)
    note = "" if math.isfinite(interval.low) else " (interval unknown)"
    label = axes.text(0.0, place - 0.26, row.name + note, transform=axes.get_yaxis_transform(), fontsize=9, va="bottom")
    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})


def _choose_limits(rows: Sequence[BoundedRow]) -> tuple[float, float]:
    ends = [end for row in rows for end in (row.interval.low, row.interval.estimate, row.interval.high)]
    ends = [end for end in (*ends, *(row.low for row in rows), *(row.high for row in rows)) if math.isfinite(end)]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    margin = 0.08 * (high - low) or 0.1
    return low - margin, high + margin


def _describe(rows: Sequence[BoundedRow], label: str) -> str:
    parts = (f"{row.name}: {row.written}, {_FINDINGS[row.finding]}" for row in rows)
    return f"{label}, with intervals. {'; '.join(parts)}."
