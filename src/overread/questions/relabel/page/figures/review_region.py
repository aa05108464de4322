"""A label, the proposed label and the uncertainty behind it, over the image."""

from typing import TYPE_CHECKING

import numpy as np

from overread.labels.relabelling import MOST_UNCERTAINTY
from overread.questions.relabel.page.review_view import LABEL, PROPOSAL, ReviewView
from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.figures.outlines import draw_outline, name_edges, shrink_image
from overread.report.slice_view import window_intensities

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL_COLOUR, PROPOSAL_COLOUR, UNCERTAINTY_COLOUR = "#f0e442", "#56b4e9", "#d55e00"
CASE_WIDTH_PX, REGION_WIDTH_PX = 320, 208

_LARGEST_SIDE = 208
"""Pixels of an embedded picture; more would make the page heavy."""
_TALLEST = 1.5
_LARGEST_OPACITY = 0.75
_SHADES = 8
"""Steps of opacity: few of them keep the picture small, and more cannot be told apart."""


def draw_review(shown: ReviewView, *, width_px: int, title: str) -> Figure:
    """Draw the slice, shaded where predictions are uncertain, with both outlines.

    Args:
        shown: the slice.
        width_px: width of the picture; a tall one is narrower.
        title: what is shown, for the text alternative.
    """
    view = shown.view
    rows, columns = view.image.shape
    ratio = rows * view.row_spacing / (columns * view.column_spacing)
    width = min(width_px, width_px * _TALLEST / ratio)
    with start_drawing(width, width * ratio) as drawing:
        drawing.set_layout_engine("none")
        axes = drawing.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
        _draw_blend(axes, shown)
        draw_outline(axes, view.masks[LABEL], LABEL_COLOUR, "solid")
        draw_outline(axes, view.masks[PROPOSAL], PROPOSAL_COLOUR, "dashed")
        name_edges(axes, view)
        axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        return finish_drawing(drawing, f"{title}. {_describe(shown)}")


def _draw_blend(axes: "Axes", shown: ReviewView) -> None:
    """Draw the grey slice, tinted where predictions are uncertain.

    One picture of both takes half the room of two. A large slice is shrunk, a small one enlarged, for a browser blurs
    what it enlarges itself.
    """
    longest = max(shown.uncertainty.shape)
    shrinking = -(-longest // _LARGEST_SIDE)
    grey = shrink_image(window_intensities(shown.view.image), shrinking)
    share = shrink_image(shown.uncertainty, shrinking) / MOST_UNCERTAINTY
    opacity = np.rint(_SHADES * share) * (_LARGEST_OPACITY / _SHADES)
    tint = np.array([int(UNCERTAINTY_COLOUR[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    colours = grey[..., None] * (1 - opacity[..., None]) + tint * opacity[..., None]
    enlargement = max(1, _LARGEST_SIDE // longest)
    rows, columns = (length * shrinking for length in grey.shape)
    axes.imshow(
        colours.repeat(enlargement, axis=0).repeat(enlargement, axis=1),
        interpolation="none",
        extent=(-0.5, columns - 0.5, rows - 0.5, -0.5),
        aspect="auto",
    )


def _describe(shown: ReviewView) -> str:
    label, proposal = shown.view.masks[LABEL], shown.view.masks[PROPOSAL]
    added, removed = int((proposal & ~label).sum()), int((label & ~proposal).sum())
    return (
        f"The proposed label adds {added:,} pixels of this view to the label and removes {removed:,}; "
        f"the uncertainty reaches {shown.uncertainty.max():.2f}."
    )
