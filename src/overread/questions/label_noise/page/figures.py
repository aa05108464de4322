"""The curve of Dice over label errors, and the errors on pictures."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from overread.evaluation.results import Interval
from overread.labels.variant_record import CONTROL, LabelVariant
from overread.questions.label_noise.page.series import Series
from overread.questions.label_noise.results import LabelNoiseEvaluation, name_architecture
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.figures.outlines import draw_image, draw_outline, name_edges
from overread.report.formatting import format_dice, write_interval
from overread.report.palette import INK, MUTED
from overread.report.slice_view import SliceView
from overread.types import Mask

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point: TypeAlias = tuple[float, Interval]
"""Label Dice, and the mean test Dice with its interval."""

_WIDTH_PX, _HEIGHT_PX = 342, 310
_DODGE = 0.015
_MARGIN = 0.05


def draw_noise_curve(evaluation: LabelNoiseEvaluation, network: str, series: Sequence[Series]) -> Figure:
    """Draw one line per series of variants, from the control at the left to ever worse labels at the right.

    The axes are equal for all networks of an evaluation. Bars are the intervals of the means; marks of different series
    are moved apart sideways, so that they do not cover each other. Variants without a prediction are left out.
    """
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        (best, worst), (low, high) = choose_limits(evaluation)
        axes.plot([best, worst], [best, worst], color=MUTED, linewidth=1.2, linestyle=(0, (1, 2)), zorder=1)
        control = locate_points(evaluation, network, [v for v in evaluation.variants if v.name == CONTROL])
        for place, one in enumerate(series):
            shift = (place - (len(series) - 1) / 2) * _DODGE * (worst - best)
            points = [(level + shift, mean) for level, mean in locate_points(evaluation, network, one.variants)]
            _draw_line(axes, [*control, *points], one)
            _draw_points(axes, points, colour=one.colour, marker=one.marker)
        _draw_points(axes, control, colour=INK, marker="D")
        axes.set(xlim=(best, worst), ylim=(low, high), xlabel="label Dice (worse labels →)", ylabel="held-out Dice")
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter("{x:.2f}")
        axes.yaxis.set_major_formatter("{x:.2f}")
        axes.locator_params(axis="y", steps=[1, 2, 5, 10])
        add_value_grid(axes)
        return finish_drawing(drawing, _describe(evaluation, network))


def choose_limits(evaluation: LabelNoiseEvaluation) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of both axes: label Dice from best to worst, test Dice from the lowest bound to just above 1."""
    worst = min(variant.achieved_dice for variant in evaluation.variants)
    margin = _MARGIN * (1 - worst) or _MARGIN
    means = [cell.mean for cell in evaluation.cells if cell.mean is not None]
    lowest = min(value for mean in means for value in (mean.estimate, mean.low) if math.isfinite(value))
    return (1 + margin, worst - margin), (max(0.0, lowest - _MARGIN * (1.05 - lowest)), 1.01)


def locate_points(evaluation: LabelNoiseEvaluation, network: str, variants: Sequence[LabelVariant]) -> list[Point]:
    """Where the marks of a network lie, for the variants that it was trained on."""
    cells = [(variant.achieved_dice, evaluation.find_cell(network, variant.name).mean) for variant in variants]
    return [(level, mean) for level, mean in cells if mean is not None]


def _draw_line(axes: "Axes", points: Sequence[Point], series: Series) -> None:
    levels, means = [level for level, _ in points], [mean.estimate for _, mean in points]
    style = (0, series.dashes) if series.dashes else "solid"
    axes.plot(levels, means, color=series.colour, linewidth=1.8, linestyle=style, zorder=2)


def _draw_points(axes: "Axes", points: Sequence[Point], *, colour: str, marker: str) -> None:
    for level, mean in points:
        axes.plot([level, level], [mean.low, mean.high], color=colour, linewidth=1.3, alpha=0.75, zorder=3)
        axes.plot(level, mean.estimate, marker, color=colour, markersize=7, markeredgecolor="white", zorder=4)


def _describe(evaluation: LabelNoiseEvaluation, network: str) -> str:
    parts = []
    for variant in evaluation.variants:
        mean = evaluation.find_cell(network, variant.name).mean
        written = f"{write_interval(mean).estimate} ({write_interval(mean).bounds})" if mean else "missing"
        parts.append(f"{variant.name} (label Dice {format_dice(variant.achieved_dice)}): {written}")
    return f"Held-out Dice of {name_architecture(network)} by the labels learnt. {'; '.join(parts)}."


CLEAN = "clean"
CLEAN_COLOUR = "#ffffff"

_LABEL_ERRORS_WIDTH_PX = 248
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
    width = min(_LABEL_ERRORS_WIDTH_PX, _LABEL_ERRORS_WIDTH_PX * _TALLEST / ratio)
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
        return finish_drawing(drawing, f"{title}. {_describe_label_error(view.masks[CLEAN], wrong)}")


def _tint(axes: "Axes", mask: Mask, colour: str) -> None:
    rows, columns = mask.shape
    factor = max(1, _LABEL_ERRORS_WIDTH_PX // max(rows, columns))  # A browser blurs small images when it enlarges them.
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


def _describe_label_error(clean: Mask, wrong: tuple[Mask, str] | None) -> str:
    if wrong is None:
        return f"The clean mask covers {int(clean.sum()):,} pixels of this view."
    mask, _ = wrong
    added, lost = int((mask & ~clean).sum()), int((clean & ~mask).sum())
    return f"Against the clean mask {added:,} pixels of this view are added and {lost:,} are lost."
