"""The Dice gap of every pair of sources with its interval."""

from collections.abc import Sequence

import numpy as np

from overread.evaluation.results import Interval
from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.formatting import format_dice
from overread.report.palette import GRID, INK, MUTED

_WIDTH_PX, _ROW_PX, _FRAME_PX = 350, 36, 60


def draw_gap_forest(rows: Sequence[tuple[str, Interval]]) -> Figure:
    """Draw one interval per row, labelled above its line, with a line at 0; the first row stands for all pairs."""
    from matplotlib.patheffects import withStroke

    with start_drawing(_WIDTH_PX, _FRAME_PX + _ROW_PX * len(rows)) as drawing:
        axes = drawing.add_subplot()
        halo = [withStroke(linewidth=3, foreground="white")]
        axes.axvline(0, color=MUTED, linewidth=1.2)
        for place, (name, gap) in enumerate(rows):
            axes.plot([gap.low, gap.high], [place, place], color=INK, linewidth=2, solid_capstyle="butt")
            axes.plot(gap.estimate, place, "D" if place == 0 else "o", color=INK, markersize=7)
            axes.text(
                0.0, place - 0.3, name, transform=axes.get_yaxis_transform(), fontsize=9, va="bottom", path_effects=halo
            )
        ends = [end for _, gap in rows for end in (gap.low, gap.high) if np.isfinite(end)]
        margin = 0.06 * (max([*ends, 0.0]) - min([*ends, 0.0])) or 0.1
        axes.set(xlim=(min([*ends, 0.0]) - margin, max([*ends, 0.0]) + margin), ylim=(len(rows) - 0.4, -0.9))
        axes.set(yticks=[], xlabel="Dice, own source minus other source")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        return finish_drawing(drawing, _describe(rows))


def _describe(rows: Sequence[tuple[str, Interval]]) -> str:
    parts = (
        f"{name}: {format_dice(gap.estimate)} ({format_dice(gap.low)} to {format_dice(gap.high)})" for name, gap in rows
    )
    return "Difference of Dice, own source minus other source, with intervals. " + "; ".join(parts) + "."
