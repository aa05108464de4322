"""Hit rates of the source classifier, case by case."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from overread.questions.rater_bias.classification_results import ORIGINS, HitRate, Origin, SourceClassification
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_count, format_dice, write_interval
from overread.report.palette import INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

_WIDTH_PX, _HEIGHT_PX = 440, 320
_SPREAD = 0.34
_MEAN_OFFSET = 0.3
_FILL = "#7ba7c7"
_COLUMNS: tuple[tuple[str, Origin, bool], ...] = (
    ("annotations", "annotation", False),
    ("predictions", "prediction", False),
    ("annotations,\nshuffled", "annotation", True),
    ("predictions,\nshuffled", "prediction", True),
)


def draw_hit_rates(classification: SourceClassification, case_rates: "DataFrame") -> Figure:
    """Draw one mark per case, annotations tied to predictions, and beside them the mean with its interval.

    Args:
        classification: the means.
        case_rates: columns case_id, origin, shuffled and hit_rate.
    """
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        axes.axhline(classification.chance, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.annotate("chance", (0.005, classification.chance), (0, 3), ("axes fraction", "data"), "offset points")
        _tie_cases(axes, case_rates)
        for place, (_, origin, shuffled) in enumerate(_COLUMNS):
            rates = _select(case_rates, origin, shuffled)
            axes.scatter(
                _spread(place, len(rates)),
                list(rates.values()),
                s=24,
                facecolor="white" if shuffled else _FILL,
                edgecolor=MUTED if shuffled else INK,
                linewidth=0.9,
                zorder=3,
            )
            if rate := classification.find_hit_rate(origin, shuffled=shuffled):
                _draw_mean(axes, place + _MEAN_OFFSET, rate)
        axes.set(xlim=(-0.5, len(_COLUMNS) - 0.4), ylim=(-0.03, 1.03), ylabel="share of patches recognised")
        axes.set_xticks(range(len(_COLUMNS)), [name for name, _, _ in _COLUMNS])
        axes.tick_params(axis="x", length=0)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe(classification))


def _tie_cases(axes: "Axes", case_rates: "DataFrame") -> None:
    columns = [_select(case_rates, origin, False) for origin in ORIGINS]
    places = [dict(zip(rates, _spread(place, len(rates)), strict=True)) for place, rates in enumerate(columns)]
    for case_id in columns[0].keys() & columns[1].keys():
        ends = [place[case_id] for place in places], [rates[case_id] for rates in columns]
        axes.plot(*ends, color=MUTED, linewidth=0.8, alpha=0.6, zorder=2)


def _select(case_rates: "DataFrame", origin: Origin, shuffled: bool) -> dict[str, float]:
    rows = case_rates[(case_rates["origin"] == origin) & (case_rates["shuffled"] == shuffled)].sort_values("case_id")
    return dict(zip(rows["case_id"], rows["hit_rate"], strict=True))


def _spread(place: int, count: int) -> NDArray[np.float64]:
    """Where the cases of a column stand, side by side so that equal rates do not hide each other."""
    return place + _SPREAD * (np.linspace(-0.5, 0.5, count) if count > 1 else np.zeros(count))


def _draw_mean(axes: "Axes", place: float, rate: HitRate) -> None:
    interval = rate.interval
    axes.plot([place, place], [interval.low, interval.high], color=INK, linewidth=2, solid_capstyle="butt", zorder=4)
    axes.plot(place, interval.estimate, "D", color=INK, markersize=6, zorder=4)


def _describe(classification: SourceClassification) -> str:
    parts = []
    for name, origin, shuffled in _COLUMNS:
        if rate := classification.find_hit_rate(origin, shuffled=shuffled):
            written = write_interval(rate.interval)
            count = format_count(rate.case_count, "case")
            parts.append(f"{name.replace(chr(10), ' ')}: {written.estimate} ({written.bounds}), {count}")
    return f"Hit rates per case, chance is {format_dice(classification.chance)}. Means: {'; '.join(parts)}."
