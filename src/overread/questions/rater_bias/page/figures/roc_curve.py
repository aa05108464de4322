"""Receiver operating characteristic of the source classifier."""

from collections.abc import Mapping

from overread.evaluation.roc_curve import RocCurve
from overread.questions.rater_bias.classification_results import Origin
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_dice
from overread.report.palette import INK, MUTED

_WIDTH_PX, _HEIGHT_PX = 350, 320
_LINES: dict[Origin, tuple[str, str]] = {"annotation": ("solid", INK), "prediction": ("dashed", "#0072b2")}


def draw_roc_curves(curves: Mapping[Origin, RocCurve], *, positive: str) -> Figure:
    """Draw one curve per origin, and the diagonal of guessing.

    Args:
        curves: at least one.
        positive: what is to be found, for the text alternative.
    """
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1.2, linestyle=(0, (1, 2)))
        for origin, curve in curves.items():
            style, colour = _LINES[origin]
            label = f"{origin}s, area {format_dice(curve.auc)}"
            axes.plot(curve.fpr, curve.tpr, color=colour, linewidth=1.8, linestyle=style, label=label)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="false positive rate", ylabel="true positive rate")
        axes.legend(loc="lower right", frameon=False)
        add_value_grid(axes)
        areas = "; ".join(f"{origin}s: area {format_dice(curve.auc)}" for origin, curve in curves.items())
        return finish_drawing(drawing, f"Receiver operating characteristic of finding {positive}: {areas}.")
