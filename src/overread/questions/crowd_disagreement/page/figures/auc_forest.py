"""AUC of sets of features with their intervals, as figure 3 of Cheplygina and Pluim (2018)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from overread.questions.crowd_disagreement.page.wording import write_auc
from overread.questions.crowd_disagreement.results import FeatureSetScore
from overread.report.figures.canvas import Figure, finish_drawing, start_drawing
from overread.report.palette import GRID, INK, MUTED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DISAGREEMENT_COLOUR = "#009e73"

_WIDTH_PX, _ROW_PX, _FRAME_PX = 350, 36, 60
_CHANCE = 0.5
_MARGIN = 0.03


def draw_auc_forest(scores: Sequence[FeatureSetScore], *, lowest: float) -> Figure:
    """Draw one interval per set of features, named above its line, with a line at chance.

    Args:
        scores: at least one.
        lowest: smallest value of the axis, so that several figures can share it.
    """
    with start_drawing(_WIDTH_PX, _FRAME_PX + _ROW_PX * len(scores)) as drawing:
        axes = drawing.add_subplot()
        axes.axvline(_CHANCE, color=MUTED, linewidth=1.2, linestyle=(0, (4, 3)))
        for place, score in enumerate(scores):
            _draw_row(axes, place, score)
        axes.set(xlim=(lowest - _MARGIN, 1 + _MARGIN), ylim=(len(scores) - 0.4, -0.9), yticks=[])
        axes.set_xlabel("AUC of held-out cases (0.5 is chance)")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        return finish_drawing(drawing, _describe(scores))


def find_lowest(scores: Sequence[FeatureSetScore]) -> float:
    """Lowest bound of the intervals, at most 0.5."""
    return min([_CHANCE, *(score.auc.low for score in scores)])


def _draw_row(axes: "Axes", place: int, score: FeatureSetScore) -> None:
    colour = DISAGREEMENT_COLOUR if score.is_disagreement else INK
    axes.plot([score.auc.low, score.auc.high], [place, place], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(score.auc.estimate, place, "D" if score.is_disagreement else "o", color=colour, markersize=7)
    label = axes.text(0.0, place - 0.3, score.title, transform=axes.get_yaxis_transform(), fontsize=9, va="bottom")
    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})


def _describe(scores: Sequence[FeatureSetScore]) -> str:
    return f"AUC with intervals. {'; '.join(f'{score.title}: {write_auc(score.auc)}' for score in scores)}."
