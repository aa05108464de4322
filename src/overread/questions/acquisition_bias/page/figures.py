"""The figures of the probes."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from overread.questions.acquisition_bias.results import CHANCE, VARIANT_TITLES, VariantScore
from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.figures.outlines import shrink_image
from overread.report.formatting import write_interval
from overread.report.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_PX, _ROW_PX, _FRAME_PX = 350, 38, 60


def draw_auroc_forest(scores: Sequence[VariantScore], band: tuple[float, float]) -> Figure:
    """Draw the AUROC within folds of every variant, named above its line, with a line at chance.

    Args:
        scores: of the variants; what is not told is drawn hollow.
        band: AUROCs that chance alone gives, shaded.
    """
    with start_drawing(_WIDTH_PX, _FRAME_PX + _ROW_PX * len(scores)) as drawing:
        axes = drawing.add_subplot()
        if math.isfinite(band[0]):
            axes.axvspan(*band, color=GRID, alpha=0.5, linewidth=0)
        axes.axvline(CHANCE, color=MUTED, linewidth=1.2, linestyle=(0, (2, 2)))
        for place, score in enumerate(scores):
            _draw_row(axes, place, score)
        ends = [
            end for score in scores for end in (score.test.auroc.low, score.test.auroc.estimate) if math.isfinite(end)
        ]
        axes.set(xlim=(min([*ends, 0.4]) - 0.03, 1.03), ylim=(len(scores) - 0.4, -0.9))
        axes.set(yticks=[], xlabel="AUROC (dashed: chance, shaded: its scatter)")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        return finish_drawing(drawing, _describe(scores, band))


def _draw_row(axes: "Axes", place: int, score: VariantScore) -> None:
    auroc, colour = score.test.auroc, INK if score.test.is_told else MUTED
    axes.plot([auroc.low, auroc.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
    face = colour if score.test.is_told else "white"
    axes.plot(auroc.estimate, place, "o", color=colour, markerfacecolor=face, markersize=7)
    title = VARIANT_TITLES[score.variant]
    label = axes.text(0.0, place - 0.3, title, transform=axes.get_yaxis_transform(), fontsize=9, va="bottom")
    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})


def _describe(scores: Sequence[VariantScore], band: tuple[float, float]) -> str:
    written = ((score, write_interval(score.test.auroc)) for score in scores)
    parts = (
        f"{VARIANT_TITLES[score.variant]}: {auroc.estimate} ({auroc.bounds}), {score.test.verdict}"
        for score, auroc in written
    )
    low, high = band
    return (
        f"AUROC within folds of the probe by what it sees, with intervals; {CHANCE} is chance, whose scatter reaches "
        f"from {low:.2f} to {high:.2f}. {'; '.join(parts)}."
    )


_PROBE_SLICE_WIDTH_PX = 172


def draw_probe_slice(plane: NDArray[np.float16], *, title: str) -> Figure:
    """Draw a slice (side, side) in [-1, 1], -1 black and 1 white, averaged down to the width of the picture.

    Args:
        plane: what the probe sees.
        title: what is shown, for the text alternative.
    """
    factor = max(1, len(plane) // _PROBE_SLICE_WIDTH_PX)
    with start_drawing(_PROBE_SLICE_WIDTH_PX, _PROBE_SLICE_WIDTH_PX) as drawing:
        drawing.set_layout_engine("none")
        axes = drawing.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
        shown = shrink_image(plane.astype(np.float32), factor)
        axes.imshow(shown, cmap="gray", vmin=-1, vmax=1, interpolation="none", aspect="auto")
        return finish_drawing(drawing, f"{title}. From {plane.min():.2f} to {plane.max():.2f} on a scale of −1 to 1.")
