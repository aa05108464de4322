"""Loads of every case from every source and every network, as figures 5 and 6 of Schwartzman et al. (2019)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from overread.evaluation.results import name_network
from overread.questions.rater_bias.page.per_case import Loads
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.figures.case_axis import choose_height_px, choose_width_px, name_cases
from overread.report.palette import INK, Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PIXELS_PER_BAR = 5
_CLUSTER_WIDTH = 0.8


def order_by_load(loads: Loads, sources: Sequence[str]) -> list[str]:
    """Cases by their mean load over the sources that labelled them, smallest first."""
    by_case: dict[str, list[float]] = {}
    for source in sources:
        for case_id, load in loads.get(source, {}).items():
            by_case.setdefault(case_id, []).append(load)
    return sorted(by_case, key=lambda case_id: (float(np.mean(by_case[case_id])), case_id))


def draw_load_bars(loads: Loads, colours: Colours, *, unit: str) -> Figure:
    """Draw one bar per case, source and network: filled for sources, hatched for their networks.

    Args:
        loads: load of each case of each label set.
        colours: colour of each source; its order is that of the bars.
        unit: unit of the loads.
    """
    cases = order_by_load(loads, list(colours))
    label_sets = [(source, source) for source in colours] + [(name_network(source), source) for source in colours]
    width = choose_width_px(len(cases), 8 + _PIXELS_PER_BAR * len(label_sets))
    with start_drawing(width, choose_height_px(cases, 270)) as drawing:
        axes = drawing.add_subplot()
        for place, (name, source) in enumerate(label_sets):
            offset = _CLUSTER_WIDTH * ((place + 0.5) / len(label_sets) - 0.5)
            column = [loads.get(name, {}).get(case_id, np.nan) for case_id in cases]
            _draw_bars(axes, column, offset, _CLUSTER_WIDTH / len(label_sets), colours[source], name == source)
        axes.set_ylabel(f"load ({unit})")
        axes.yaxis.set_major_formatter("{x:,g}")
        name_cases(axes, cases)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe(cases, colours, unit))


def _draw_bars(
    axes: "Axes", column: Sequence[float], offset: float, width: float, colour: str, is_source: bool
) -> None:
    axes.bar(
        np.arange(len(column)) + offset,
        column,
        width=0.9 * width,
        facecolor=colour if is_source else "white",
        edgecolor=INK if is_source else colour,
        linewidth=0.5 if is_source else 1.2,
        hatch=None if is_source else "/////",
    )


def _describe(cases: Sequence[str], colours: Colours, unit: str) -> str:
    return (
        f"Bars of the load in {unit} of {len(cases)} cases, ordered by load, from each of {', '.join(colours)} "
        "(filled) and from each of their networks (hatched). The counts are in the table of load differences."
    )
