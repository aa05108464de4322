"""AUC with outcomes in random order, and the true one."""

from collections.abc import Sequence

from overread.questions.crowd_disagreement.page.figures.auc_forest import DISAGREEMENT_COLOUR
from overread.questions.crowd_disagreement.results import PermutationTest
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_number, format_p
from overread.report.palette import MUTED

_WIDTH_PX, _HEIGHT_PX = 350, 250
_BINS = 30


def draw_permutation_histogram(test: PermutationTest, permuted: Sequence[float]) -> Figure:
    """Draw the AUC of all random orders as a histogram, and that of the true order as a line.

    Args:
        test: the true order.
        permuted: AUC of each random order.
    """
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        axes.hist(permuted, bins=_BINS, color="#b9c4ce", edgecolor="white", linewidth=0.4)
        axes.axvline(test.chance_high, color=MUTED, linewidth=1.4, linestyle=(0, (4, 3)))
        axes.axvline(test.observed, color=DISAGREEMENT_COLOUR, linewidth=3)
        axes.set(xlabel="AUC", ylabel="random orders")
        axes.margins(x=0.06)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe(test))


def _describe(test: PermutationTest) -> str:
    mean, high, observed = (format_number(v, 2) for v in (test.chance_mean, test.chance_high, test.observed))
    return (
        f"{test.title}: AUC of {test.permutations} random orders, mean {mean}, 95th percentile {high}; "
        f"true order {observed}, {format_p(test.p)}."
    )
