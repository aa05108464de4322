"""The outlines of reference, champion and challenger on one held-out case."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.figures.outlines import draw_image, draw_outline, name_edges
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
_TALLEST = 1.5


def draw_gate_outlines(view: SliceView, *, title: str) -> Figure:
    """Draw the outlines over the slice, those that there are.

    Args:
        view: the slice; its masks are named as in OUTLINE_COLOURS.
        title: what is shown, for the text alternative.
    """
    rows, columns = view.image.shape
    ratio = rows * view.row_spacing / (columns * view.column_spacing)
    width = min(_WIDTH_PX, _WIDTH_PX * _TALLEST / ratio)
    with start_drawing(width, width * ratio) as drawing:
        drawing.set_layout_engine("none")
        axes = drawing.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
        draw_image(axes, view)
        _draw_masks(axes, view)
        name_edges(axes, view)
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        return finish_drawing(drawing, f"{title}. {_describe(view)}")


def _draw_masks(axes: "Axes", view: SliceView) -> None:
    for name, colour in OUTLINE_COLOURS.items():
        if name in view.masks:
            draw_outline(axes, view.masks[name], colour, _LINES[name])


def _describe(view: SliceView) -> str:
    parts = [f"the {name} {int(view.masks[name].sum()):,}" for name in OUTLINE_COLOURS if name in view.masks]
    return f"Pixels outlined in this view: {', '.join(parts)}."
