"""The figures of the gate: bounds, cases and outlines."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from overread.evaluation.results import Interval
from overread.questions.retrain.page.cases import JudgedCase
from overread.questions.retrain.page.gate import Finding
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.figures.case_axis import choose_height_px, choose_width_px, name_cases
from overread.report.figures.outlines import draw_outline, draw_over_slice
from overread.report.formatting import format_count
from overread.report.palette import GRID, INK, MUTED
from overread.report.slice_view import SliceView

if TYPE_CHECKING:
    from matplotlib.axes import Axes


ALLOWED_COLOUR = "#cfe8dc"
"""Fill of the values that the gate lets through."""

BEYOND_COLOUR = "#9b3200"
"""Of a figure that does not keep to its bounds."""

_WIDTH_PX, _ROW_PX, _FRAME_PX = 350, 44, 60
_FINDINGS: Mapping[Finding, str] = {
    "kept": "within its bounds",
    "unsure": "within its bounds, its interval not",
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


CHALLENGER_COLOUR = "#0072b2"
CHAMPION_COLOUR = "#e69f00"

_SLOT_PX, _PLOT_PX = 26, 250
_OFFSET = 0.2
"""Of both marks from the middle of a case's slot, in slots."""

_LEAST_SPAN = 0.1
"""Of the axis, so that differences that do not matter do not look large."""

_CHALLENGER_SIZE, _CHAMPION_SIZE = 38, 32


def draw_case_dice(cases: Sequence[JudgedCase], *, reference: str) -> Figure:
    """Draw a square for the best champion so far and, right of it, a circle for the challenger per case, tied together.

    Marks of cases that do not count are hollow.

    Args:
        cases: from left to right.
        reference: source that the masks are compared with.
    """
    names = [case.case_id for case in cases]
    with start_drawing(choose_width_px(len(cases), _SLOT_PX), choose_height_px(names, _PLOT_PX)) as drawing:
        axes = drawing.add_subplot()
        for place, case in enumerate(cases):
            _draw_case(axes, place, case)
        axes.set_ylim(_choose_limits_gate_case(cases))
        axes.set_ylabel(f"Dice with {reference}")
        name_cases(axes, names)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe_gate_case(cases, reference))


def _draw_case(axes: "Axes", place: int, case: JudgedCase) -> None:
    offset = 0 if case.anchor_dice is None else _OFFSET
    if case.anchor_dice is not None:
        line = "solid" if case.counts else (0, (2, 1.5))
        axes.plot(
            [place - offset, place + offset],
            [case.anchor_dice, case.challenger_dice],
            color=MUTED,
            linewidth=1.5,
            linestyle=line,
        )
        _draw_mark(axes, place - offset, case.anchor_dice, CHAMPION_COLOUR, "s", case.counts)
    _draw_mark(axes, place + offset, case.challenger_dice, CHALLENGER_COLOUR, "o", case.counts)


def _draw_mark(axes: "Axes", place: float, dice: float, colour: str, marker: str, is_filled: bool) -> None:
    axes.scatter(
        [place],
        [dice],
        s=_CHALLENGER_SIZE if marker == "o" else _CHAMPION_SIZE,
        marker=marker,
        facecolor=colour if is_filled else "white",
        edgecolor=INK if is_filled else colour,
        linewidth=0.6 if is_filled else 1.8,
        zorder=3,
    )


def _choose_limits_gate_case(cases: Sequence[JudgedCase]) -> tuple[float, float]:
    values = [case.challenger_dice for case in cases]
    values += [case.anchor_dice for case in cases if case.anchor_dice is not None]
    low, high = min(values), max(values)
    middle, reach = (low + high) / 2, max(high - low, _LEAST_SPAN) / 2
    return middle - 1.1 * reach, middle + 1.1 * reach


def _describe_gate_case(cases: Sequence[JudgedCase], reference: str) -> str:
    counted = sum(case.counts for case in cases)
    text = f"Dice with {reference} of {format_count(len(cases), 'held-out case')}, {counted} of which count."
    differences = [case.difference for case in cases if case.difference is not None]
    if differences:
        worse = sum(difference < 0 for difference in differences)
        text += f" The challenger lies below the best champion so far in {format_count(worse, 'case')}."
    return text


OUTLINE_COLOURS: Mapping[str, str] = {"reference": "#ffffff", "champion": "#e69f00", "challenger": "#56b4e9"}
"""Colour (#rrggbb) of each outline, in the order in which they are drawn."""

_LINES: Mapping[str, Literal["solid", "dashed"]] = {
    "reference": "solid",
    "champion": "dashed",
    "challenger": "solid",
}
_GATE_OUTLINES_WIDTH_PX = 310


def draw_gate_outlines(view: SliceView, *, title: str) -> Figure:
    """Draw the outlines over the slice, those that there are.

    Args:
        view: the slice; its masks are named as in OUTLINE_COLOURS.
        title: what is shown, for the text alternative.
    """

    def draw(axes: "Axes") -> None:
        for name, colour in OUTLINE_COLOURS.items():
            if name in view.masks:
                draw_outline(axes, view.masks[name], colour, _LINES[name])

    return draw_over_slice(view, draw, width_px=_GATE_OUTLINES_WIDTH_PX, alt=f"{title}. {_describe_gate_outline(view)}")


def _describe_gate_outline(view: SliceView) -> str:
    parts = [f"the {name} {int(view.masks[name].sum()):,}" for name in OUTLINE_COLOURS if name in view.masks]
    return f"Pixels outlined in this view: {', '.join(parts)}."
