"""The outlines of reference, champion and challenger on one held-out case."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from overread.report.figures.canvas import Figure
from overread.report.figures.outlines import draw_outline, draw_over_slice
from overread.report.slice_view import SliceView

if TYPE_CHECKING:
    from matplotlib.axes import Axes

OUTLINE_COLOURS: Mapping[str, str] = {"reference": "#ffffff", "champion": "#e69f00", "challenger": "#56b4e9"}
"""Colour (#rrggbb) of each outline, in the order in which they are drawn."""

_LINES: Mapping[str, Literal["solid", "dashed"]] = {
    "reference": "solid",
    "champion": "dashed",
    "challenger": "solid",
}
_WIDTH_PX = 310


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

    return draw_over_slice(view, draw, width_px=_WIDTH_PX, alt=f"{title}. {_describe(view)}")


def _describe(view: SliceView) -> str:
    parts = [f"the {name} {int(view.masks[name].sum()):,}" for name in OUTLINE_COLOURS if name in view.masks]
    return f"Pixels outlined in this view: {', '.join(parts)}."
