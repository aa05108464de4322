"""Held-out Dice over the share of a second source's labels that was learnt (Schwartzman et al. 2019, section 3.2)."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from overread.evaluation.results import Interval
from overread.questions.rater_bias.mixing_results import MixingEvaluation, ReferenceDice
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import write_interval
from overread.report.palette import GRID, Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_PX, _HEIGHT_PX = 342, 310
_DODGE, _LARGEST_SPREAD, _ALONE_GAP, _MARGIN = 0.03, 0.09, 0.2, 0.06
"""Shares of the width between ratio 0 and the largest one; the margin also of the height between the outer bounds."""


class Point(NamedTuple):
    """A mark: where it lies, and the mean Dice with its interval."""

    place: float
    mean: Interval


def draw_mixing_curve(evaluation: MixingEvaluation, colours: Colours) -> Figure:
    """Draw one line per reference over the ratio, and hollow marks of the plain second network at the right.

    Bars are the intervals of the means; marks of different references are moved apart sideways, so that they do not
    cover each other. Lines of the two mixed sources are thicker than those of other references.
    """
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        for reference, shift in zip(evaluation.references, spread_marks(evaluation), strict=True):
            is_mixed = reference in (evaluation.first, evaluation.second)
            points = [Point(ratio + shift, mean) for ratio, mean in locate_points(evaluation, reference)]
            _draw_line(axes, points, colour=colours[reference], width=2.0 if is_mixed else 1.0)
            if alone := locate_alone(evaluation, reference):
                _draw_points(axes, [Point(alone.place + shift, alone.mean)], colour=colours[reference], is_hollow=True)
        _label_axes(axes, evaluation)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe(evaluation))


def spread_marks(evaluation: MixingEvaluation) -> list[float]:
    """How far the marks of each reference are moved sideways, in units of the ratio, symmetrically about 0."""
    gaps = len(evaluation.references) - 1
    spread = min(_DODGE * gaps, _LARGEST_SPREAD) * evaluation.networks[-1].ratio
    return [spread * (place / gaps - 0.5) for place in range(gaps + 1)]


def locate_points(evaluation: MixingEvaluation, reference: str) -> list[Point]:
    """Ratio and mean Dice against one reference, for the networks that have one."""
    rows = [(network.ratio, _find(network.dice, reference).mean) for network in evaluation.networks]
    return [Point(ratio, mean) for ratio, mean in rows if mean is not None]


def locate_alone(evaluation: MixingEvaluation, reference: str) -> Point | None:
    """Place and mean Dice of the plain network of the second source, right of the largest ratio."""
    mean = _find(evaluation.second_network, reference).mean if evaluation.second_network else None
    return None if mean is None else Point(evaluation.networks[-1].ratio * (1 + _ALONE_GAP), mean)


def choose_limits(evaluation: MixingEvaluation) -> tuple[float, float]:
    """Limits of the Dice axis: a little beyond the lowest and the highest bound."""
    rows = [one for network in evaluation.networks for one in network.dice] + list(evaluation.second_network or ())
    means = [row.mean for row in rows if row.mean is not None]
    ends = [end for mean in means for end in (mean.low, mean.estimate, mean.high) if math.isfinite(end)]
    margin = _MARGIN * (max(ends) - min(ends)) or _MARGIN
    return min(ends) - margin, max(ends) + margin


def _find(dice: Sequence[ReferenceDice], reference: str) -> ReferenceDice:
    return next(one for one in dice if one.reference == reference)


def _draw_line(axes: "Axes", points: Sequence[Point], *, colour: str, width: float) -> None:
    places, means = [point.place for point in points], [point.mean.estimate for point in points]
    axes.plot(places, means, color=colour, linewidth=width, zorder=2)
    _draw_points(axes, points, colour=colour)


def _draw_points(axes: "Axes", points: Sequence[Point], *, colour: str, is_hollow: bool = False) -> None:
    fill, edge = ("white", colour) if is_hollow else (colour, "white")
    for place, mean in points:
        axes.plot([place, place], [mean.low, mean.high], color=colour, linewidth=1.3, alpha=0.75, zorder=3)
        axes.plot(place, mean.estimate, "o", color=fill, markersize=7, markeredgecolor=edge, zorder=4)


def _label_axes(axes: "Axes", evaluation: MixingEvaluation) -> None:
    from matplotlib.ticker import MaxNLocator

    top = end = evaluation.networks[-1].ratio
    ticks = [tick for tick in MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, top) if tick <= top]
    labels = [f"{tick:.3g}" for tick in ticks]
    if evaluation.second_network:
        end = top * (1 + _ALONE_GAP)
        ticks, labels = [*ticks, end], [*labels, "alone"]
        axes.axvline(top * (1 + _ALONE_GAP / 2), color=GRID, linewidth=1)
    margin = _MARGIN * top + max(spread_marks(evaluation))
    axes.set_xticks(ticks, labels)
    axes.set(xlim=(-margin, end + margin), ylim=choose_limits(evaluation))
    axes.set(xlabel="share of labels added", ylabel="held-out Dice")


def _describe(evaluation: MixingEvaluation) -> str:
    parts = []
    for reference in evaluation.references:
        marks = [(f"ratio {point.place:.2f}", point.mean) for point in locate_points(evaluation, reference)]
        if alone := locate_alone(evaluation, reference):
            marks.append((f"network of {evaluation.second} alone", alone.mean))
        written = (f"{name} {write_interval(mean).estimate} ({write_interval(mean).bounds})" for name, mean in marks)
        parts.append(f"With {reference}: {', '.join(written)}")
    opening = f"Held-out Dice of networks of {evaluation.first} by the share of labels of {evaluation.second} added."
    return f"{opening} {'; '.join(parts)}."
