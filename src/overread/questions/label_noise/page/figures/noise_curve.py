"""Test Dice over label Dice, as figure 3 of Heller et al. (2018)."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

from overread.evaluation.results import Interval
from overread.labels.variant_record import CONTROL, LabelVariant
from overread.questions.label_noise.page.series import Series
from overread.questions.label_noise.results import LabelNoiseEvaluation, name_architecture
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_dice, write_interval
from overread.report.palette import INK, MUTED

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
