"""Outlines of sources and networks on an image, as figure 4 of Schwartzman et al. (2019)."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.palette import compute_luminance
from overread.report.slice_view import SliceView, window_intensities
from overread.types import Mask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_PX = 340
_LARGEST_SIDE = 340
_TALLEST = 1.5
_TOLERANCE_PX = 0.3


def draw_outlines(
    view: SliceView, colours: Mapping[str, str], *, line: Literal["solid", "dashed"], title: str
) -> Figure:
    """Draw the outlines of some label sets over the slice.

    Args:
        view: the slice.
        colours: colour of each label set to draw; one without a mask in the view is left out.
        line: solid for sources, dashed for networks.
        title: what is outlined, for the text alternative.
    """

    def draw(axes: "Axes") -> None:
        for name, colour in colours.items():
            if name in view.masks:
                draw_outline(axes, view.masks[name], colour, line)

    return draw_over_slice(view, draw, width_px=_WIDTH_PX, alt=f"{title}. {_describe(view, list(colours))}")


def draw_over_slice(view: SliceView, draw: Callable[["Axes"], None], *, width_px: float, alt: str) -> Figure:
    """Draw something over the whole slice, in its proportions, and name the slice's edges.

    Args:
        view: the slice.
        draw: draws on axes whose unit is a pixel of the slice.
        width_px: width of the figure; a tall slice is made narrower.
        alt: what is shown, in words.
    """
    rows, columns = view.image.shape
    ratio = rows * view.row_spacing / (columns * view.column_spacing)
    width = min(width_px, width_px * _TALLEST / ratio)
    with start_drawing(width, width * ratio) as drawing:
        drawing.set_layout_engine("none")
        axes = drawing.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
        draw_image(axes, view)
        draw(axes)
        name_edges(axes, view)
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        return finish_drawing(drawing, alt)


def shrink_image(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Average blocks of `factor` by `factor` pixels; rows and columns that do not fill a block are left out."""
    rows, columns = (length // factor for length in image.shape)
    blocks = image[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return np.asarray(blocks.mean(axis=(1, 3)), np.float32)


def draw_image(axes: "Axes", view: SliceView) -> None:
    """Draw the slice in grey, one unit of the axes per pixel."""
    factor = max(1, -(-max(view.image.shape) // _LARGEST_SIDE))
    shrunk = shrink_image(window_intensities(view.image), factor)
    rows, columns = (length * factor for length in shrunk.shape)
    axes.imshow(
        shrunk,
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="none",
        extent=(-0.5, columns - 0.5, rows - 0.5, -0.5),
        aspect="auto",
    )


def trace_outline(mask: Mask, *, tolerance: float) -> list[NDArray[np.float64]]:
    """Trace the border of a mask as closed polygons, (N, 2) rows and columns each, between voxel centres.

    Args:
        mask: (rows, columns).
        tolerance: farthest that a left-out vertex may lie from the polygon, in pixels.
    """
    from skimage.measure import approximate_polygon, find_contours

    polygons = find_contours(np.pad(mask.astype(np.float32), 1), 0.5)
    return [np.asarray(approximate_polygon(polygon, tolerance) - 1, np.float64) for polygon in polygons]


def draw_outline(axes: "Axes", mask: Mask, colour: str, line: Literal["solid", "dashed"]) -> None:
    """Draw the border of a (rows, columns) mask with a halo that sets it off from the image."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    polygons = trace_outline(mask, tolerance=_TOLERANCE_PX * max(mask.shape) / _WIDTH_PX)
    if not polygons:
        return
    path = Path.make_compound_path(*(Path(polygon[:, ::-1], closed=True) for polygon in polygons))
    halo = "#000000" if compute_luminance(colour) > 0.25 else "#ffffff"
    axes.add_patch(PathPatch(path, facecolor="none", edgecolor=halo, linewidth=3.2, alpha=0.6))
    dashes = "solid" if line == "solid" else (0, (4, 1.6))
    axes.add_patch(PathPatch(path, facecolor="none", edgecolor=colour, linewidth=1.9, linestyle=dashes))


def name_edges(axes: "Axes", view: SliceView) -> None:
    """Write the anatomical letters at the edges."""
    places = ((0.02, 0.5, "left", "center"), (0.98, 0.5, "right", "center"), (0.5, 0.98, "center", "top"))
    for letter, (x, y, horizontal, vertical) in zip(view.edges[:3], places, strict=False):
        text = axes.text(x, y, letter, transform=axes.transAxes, ha=horizontal, va=vertical, color="white")
        text.set(fontweight="bold", bbox={"facecolor": "black", "edgecolor": "none", "alpha": 0.6, "pad": 2})


def _describe(view: SliceView, names: list[str]) -> str:
    parts = []
    for name in names:
        mask = view.masks.get(name)
        if mask is None:
            parts.append(f"{name} has no mask of this case")
        else:
            parts.append(
                f"{name} outlines {int(mask.sum()):,} pixels of this view" if mask.any() else f"{name} is empty here"
            )
    return "; ".join(parts) + "." if parts else "The image without outlines."
