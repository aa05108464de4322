"""What a human is shown of a region under review."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.labels.uncertainty_threshold import MOST_UNCERTAINTY
from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.figures.outlines import draw_outline, name_edges, shrink_image
from overread.report.slice_view import SliceView, find_largest_slice, turn_upright, window_intensities
from overread.types import Affine, Mask, Spacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LABEL, PROPOSAL = "label", "proposal"
_EXTENT = "extent"
_MARGIN_SHARE = 0.2

_Window: TypeAlias = tuple[slice, slice]


@dataclass(frozen=True)
class ReviewedCase:
    """Everything of a case that its pictures show.

    Attributes:
        image: (*S) one channel, intensities as stored.
        label: (*S) the label.
        proposal: (*S) the proposed label.
        uncertainty: (*S), in [0, 0.25].
        spacing: voxel size along each axis.
        affine: voxel to millimetre (RAS+); None in 2D.
    """

    image: NDArray[np.float32]
    label: Mask
    proposal: Mask
    uncertainty: NDArray[np.float32]
    spacing: Spacing
    affine: Affine | None


@dataclass(frozen=True)
class ReviewView:
    """A part of one slice.

    Attributes:
        view: image, with the masks `label` and `proposal`.
        uncertainty: (rows, columns), in [0, 0.25].
    """

    view: SliceView
    uncertainty: NDArray[np.float32]


def view_slice(case: ReviewedCase, focus: Mask, extent: Mask, *, smallest_side: int) -> ReviewView:
    """Take the slice with most voxels of the focus, turn it upright and cut it to the extent, with a margin.

    Args:
        case: the case.
        focus: (*S), with a voxel or more; chooses the slice.
        extent: (*S), holds the focus; is shown in full, as far as it lies in that slice.
        smallest_side: of what is shown, in voxels of the finer of the two axes.
    """
    index = None if case.affine is None else find_largest_slice(focus)
    masks = {LABEL: case.label, PROPOSAL: case.proposal, _EXTENT: extent}
    image, uncertainty = (_take_slice(values, masks, index, case) for values in (case.image, case.uncertainty))
    window = _find_window(image, smallest_side)
    shown = {name: image.masks[name][window] for name in (LABEL, PROPOSAL)}
    return ReviewView(replace(image, image=image.image[window], masks=shown), uncertainty.image[window])


def _take_slice(
    values: NDArray[np.float32], masks: dict[str, Mask], index: int | None, case: ReviewedCase
) -> SliceView:
    def take(array: NDArray[Any]) -> NDArray[Any]:
        return array if index is None else array[..., index]

    planes = {name: take(mask) for name, mask in masks.items()}
    count = None if index is None else values.shape[2]
    view = SliceView(take(values), planes, case.spacing[0], case.spacing[1], index, count)
    return view if case.affine is None else turn_upright(view, case.affine)


def _find_window(view: SliceView, smallest_side: int) -> _Window:
    """Rows and columns around the extent, as nearly square in length as the slice allows."""
    spacings = (view.row_spacing, view.column_spacing)
    bounds = []
    for axis in (0, 1):
        inside = np.flatnonzero(view.masks[_EXTENT].any(axis=1 - axis))
        bounds.append((int(inside[0]), int(inside[-1]) + 1))
    sides = [(stop - start) * spacing for (start, stop), spacing in zip(bounds, spacings, strict=True)]
    side = max(max(sides) * (1 + 2 * _MARGIN_SHARE), smallest_side * min(spacings))
    rows, columns = (
        _place((start + stop) // 2, round(side / spacing), length)
        for (start, stop), spacing, length in zip(bounds, spacings, view.image.shape, strict=True)
    )
    return rows, columns


def _place(centre: int, size: int, length: int) -> slice:
    start = min(max(centre - size // 2, 0), max(length - size, 0))
    return slice(start, min(start + size, length))


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
