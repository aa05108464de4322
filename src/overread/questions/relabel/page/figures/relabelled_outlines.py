"""The relabelled mask of one case over its image, with the clean and the noisy outline."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from overread.report.figures.canvas import Figure
from overread.report.figures.outlines import draw_outline, draw_over_slice, trace_outline
from overread.report.slice_view import SliceView
from overread.types import Mask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MASK_COLOURS: Mapping[str, str] = {"clean": "#ffffff", "noisy": "#e69f00", "relabelled": "#56b4e9"}
"""Colour (#rrggbb) of the two outlines and of the tinted area."""

_WIDTH_PX = 310
_OPACITY = 0.55
_TOLERANCE_PX = 0.3


def draw_relabelled_outlines(view: SliceView, *, title: str) -> Figure:
    """Draw the relabelled mask as a tinted area and the clean and the noisy one as outlines, those that there are.

    Args:
        view: the slice; its masks are named as in MASK_COLOURS.
        title: what is shown, for the text alternative.
    """

    def draw(axes: "Axes") -> None:
        if "relabelled" in view.masks:
            _tint(axes, view.masks["relabelled"], MASK_COLOURS["relabelled"])
        for name in ("clean", "noisy"):
            if name in view.masks:
                draw_outline(axes, view.masks[name], MASK_COLOURS[name], "solid")

    return draw_over_slice(view, draw, width_px=_WIDTH_PX, alt=f"{title}. {_describe(view)}")


def _tint(axes: "Axes", mask: Mask, colour: str) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    polygons = trace_outline(mask, tolerance=_TOLERANCE_PX * max(mask.shape) / _WIDTH_PX)
    if polygons:
        path = Path.make_compound_path(*(Path(polygon[:, ::-1], closed=True) for polygon in polygons))
        axes.add_patch(PathPatch(path, facecolor=colour, edgecolor="none", alpha=_OPACITY))


def _describe(view: SliceView) -> str:
    parts = [f"the {name} mask {int(view.masks[name].sum()):,}" for name in MASK_COLOURS if name in view.masks]
    text = f"Pixels covered in this view: {', '.join(parts)}."
    if "noisy" in view.masks and "relabelled" in view.masks:
        text += f" Relabelling changed {int((view.masks['noisy'] ^ view.masks['relabelled']).sum()):,} pixels of it."
    return text
