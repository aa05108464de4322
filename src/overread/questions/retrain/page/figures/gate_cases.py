"""Dice of champion and challenger on every held-out case."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from overread.questions.retrain.page.cases import JudgedCase
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.figures.case_axis import choose_height_px, choose_width_px, name_cases
from overread.report.formatting import format_count
from overread.report.palette import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHALLENGER_COLOUR = "#0072b2"
CHAMPION_COLOUR = "#e69f00"

_SLOT_PX, _PLOT_PX = 26, 250
_OFFSET = 0.2
"""Of both marks from the middle of a case's slot, in slots."""

_LEAST_SPAN = 0.1
"""Of the axis, so that differences that do not matter do not look large."""

_CHALLENGER_SIZE, _CHAMPION_SIZE = 38, 32


def draw_case_dice(cases: Sequence[JudgedCase], *, reference: str) -> Figure:
    """Draw a square for the champion and, right of it, a circle for the challenger per case, tied together.

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
        axes.set_ylim(_choose_limits(cases))
        axes.set_ylabel(f"Dice with {reference}")
        name_cases(axes, names)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe(cases, reference))


def _draw_case(axes: "Axes", place: int, case: JudgedCase) -> None:
    offset = 0 if case.champion_dice is None else _OFFSET
    if case.champion_dice is not None:
        line = "solid" if case.counts else (0, (2, 1.5))
        axes.plot(
            [place - offset, place + offset],
            [case.champion_dice, case.challenger_dice],
            color=MUTED,
            linewidth=1.5,
            linestyle=line,
        )
        _draw_mark(axes, place - offset, case.champion_dice, CHAMPION_COLOUR, "s", case.counts)
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


def _choose_limits(cases: Sequence[JudgedCase]) -> tuple[float, float]:
    values = [case.challenger_dice for case in cases]
    values += [case.champion_dice for case in cases if case.champion_dice is not None]
    low, high = min(values), max(values)
    middle, reach = (low + high) / 2, max(high - low, _LEAST_SPAN) / 2
    return middle - 1.1 * reach, middle + 1.1 * reach


def _describe(cases: Sequence[JudgedCase], reference: str) -> str:
    counted = sum(case.counts for case in cases)
    text = f"Dice with {reference} of {format_count(len(cases), 'held-out case')}, {counted} of which count."
    differences = [case.difference for case in cases if case.difference is not None]
    if differences:
        worse = sum(difference < 0 for difference in differences)
        text += f" The challenger lies below the champion in {format_count(worse, 'case')}."
    return text
