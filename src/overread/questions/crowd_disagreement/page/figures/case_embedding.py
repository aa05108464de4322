"""Cases in the plane of two principal components, as figure 2 of Cheplygina and Pluim (2018)."""

from typing import TYPE_CHECKING

from overread.questions.crowd_disagreement.page.figures.class_colours import NEGATIVE, POSITIVE
from overread.questions.crowd_disagreement.results import OutcomeClasses
from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.formatting import format_percent
from overread.report.palette import GRID

if TYPE_CHECKING:
    from pandas import DataFrame

_WIDTH_PX, _HEIGHT_PX = 460, 380


def draw_case_embedding(cases: "DataFrame", outcome: OutcomeClasses, explained: tuple[float, float]) -> Figure:
    """Draw one mark per case at its first two components; both axes have one scale.

    Args:
        cases: CASE_COLUMNS.
        outcome: names of the classes.
        explained: share of the variance along each component.
    """
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
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
        return finish_drawing(drawing, _describe(cases, outcome))


def _describe(cases: "DataFrame", outcome: OutcomeClasses) -> str:
    means = cases.groupby("outcome")[["component_1", "component_2"]].mean()
    parts = [
        f"{outcome.column} {name} centred at {row['component_1']:.1f}, {row['component_2']:.1f}"
        for name, row in means.iterrows()
    ]
    return f"{len(cases)} cases by their first two principal components: {'; '.join(parts)}."
