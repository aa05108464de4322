"""An imperfect mask over the image, with the clean outline."""

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.figures.outlines import draw_image, draw_outline, name_edges
from overread.report.slice_view import SliceView
from overread.types import Mask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLEAN = "clean"
CLEAN_COLOUR = "#ffffff"

_WIDTH_PX = 248
_TALLEST = 1.5
_OPACITY = 0.6
_FRAME_COLOUR = "#f0e442"

Window: TypeAlias = tuple[slice, slice]
"""Rows and columns of a part of a view."""


def draw_clean(view: SliceView, detail: Window | None, *, title: str) -> Figure:
    """Draw the slice and the clean outline, with a frame around the detail that other pictures show, if any."""
    return _draw(view, None, frame=detail, title=title)


def draw_label_errors(view: SliceView, mask: Mask, colour: str, *, title: str) -> Figure:
    """Draw the slice, an imperfect mask as a tinted area and the clean mask as an outline.

    Args:
        view: the slice; its mask `clean` is the clean one.
        mask: (rows, columns), cut as the view is.
        colour: of the area (#rrggbb).
        title: what is shown, for the text alternative.
    """
    return _draw(view, (mask, colour), frame=None, title=title)


def _draw(view: SliceView, wrong: tuple[Mask, str] | None, *, frame: Window | None, title: str) -> Figure:
    rows, columns = view.image.shape
    ratio = rows * view.row_spacing / (columns * view.column_spacing)
    width = min(_WIDTH_PX, _WIDTH_PX * _TALLEST / ratio)
    with start_drawing(width, width * ratio) as drawing:
        drawing.set_layout_engine("none")
        axes = drawing.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
        draw_image(axes, view)
        if wrong is not None:
            _tint(axes, *wrong)
        draw_outline(axes, view.masks[CLEAN], CLEAN_COLOUR, "solid")
        if frame is not None:
            _draw_frame(axes, frame)
        name_edges(axes, view)
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        return finish_drawing(drawing, f"{title}. {_describe(view.masks[CLEAN], wrong)}")


def _tint(axes: "Axes", mask: Mask, colour: str) -> None:
    rows, columns = mask.shape
    factor = max(1, _WIDTH_PX // max(rows, columns))  # A browser blurs small images when it enlarges them.
    enlarged = np.repeat(np.repeat(mask, factor, axis=0), factor, axis=1)
    area = np.zeros((*enlarged.shape, 4), np.float32)
    area[..., :3] = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    area[..., 3] = _OPACITY * enlarged
    axes.imshow(area, interpolation="none", extent=(-0.5, columns - 0.5, rows - 0.5, -0.5), aspect="auto")


def _draw_frame(axes: "Axes", frame: Window) -> None:
    from matplotlib.patches import Rectangle

    rows, columns = frame
    corner = (columns.start - 0.5, rows.start - 0.5)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=_FRAME_COLOUR, linewidth=1.6))


def _describe(clean: Mask, wrong: tuple[Mask, str] | None) -> str:
    if wrong is None:
        return f"The clean mask covers {int(clean.sum()):,} pixels of this view."
    mask, _ = wrong
    added, lost = int((mask & ~clean).sum()), int((clean & ~mask).sum())
    return f"Against the clean mask {added:,} pixels of this view are added and {lost:,} are lost."
