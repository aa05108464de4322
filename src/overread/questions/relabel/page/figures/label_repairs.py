"""Label Dice of every case before and after relabelling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_count, format_dice

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BETTER_COLOUR, WORSE_COLOUR, SAME_COLOUR = "#009e73", "#d55e00", "#8c8c8c"

_WIDTH_PX, _HEIGHT_PX = 342, 300
_ROUNDING = 1e-12
_MOST_MARKED = 60


@dataclass(frozen=True)
class RepairedCase:
    """One case.

    Attributes:
        case_id: the case.
        before: Dice of the noisy mask with the clean one.
        after: the same of the relabelled mask.
    """

    case_id: str
    before: float
    after: float

    @property
    def gain(self) -> float:
        """Difference, above 0 where the mask became better."""
        return self.after - self.before


def draw_label_repairs(cases: Sequence[RepairedCase], *, title: str) -> Figure:
    """Draw a line per case from its hollow mark (before) to its filled one (after), worst labels first.

    Args:
        cases: in any order.
        title: what is shown, for the text alternative.
    """
    ordered = sorted(cases, key=lambda case: (case.before, case.case_id))
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        size = 22.0 if len(ordered) <= _MOST_MARKED else 6.0
        for place, case in enumerate(ordered):
            _draw_case(axes, place, case, size)
        axes.set(xticks=[], xlim=(-0.8, len(ordered) - 0.2), ylabel="label Dice", xlabel="cases, worst labels first →")
        axes.yaxis.set_major_formatter("{x:.2f}")
        axes.locator_params(axis="y", steps=[1, 2, 5, 10])
        add_value_grid(axes)
        return finish_drawing(drawing, f"{title}. {_describe(ordered)}")


def choose_colour(case: RepairedCase) -> str:
    """Colour (#rrggbb) of a case that became better, worse or neither."""
    if abs(case.gain) <= _ROUNDING:
        return SAME_COLOUR
    return BETTER_COLOUR if case.gain > 0 else WORSE_COLOUR


def _draw_case(axes: "Axes", place: int, case: RepairedCase, size: float) -> None:
    colour = choose_colour(case)
    axes.vlines(place, case.before, case.after, color=colour, linewidth=1.8, zorder=2)
    axes.scatter(place, case.before, s=size, facecolor="white", edgecolor=colour, linewidth=1.3, zorder=3)
    axes.scatter(place, case.after, s=size, facecolor=colour, edgecolor=colour, linewidth=1.3, zorder=4)


def _describe(cases: Sequence[RepairedCase]) -> str:
    better, worse = (sum(choose_colour(case) == colour for case in cases) for colour in (BETTER_COLOUR, WORSE_COLOUR))
    lowest, highest = min(cases, key=lambda case: case.gain), max(cases, key=lambda case: case.gain)
    return (
        f"Label Dice of {format_count(len(cases), 'case')} before and after relabelling: {better} better, "
        f"{worse} worse, {len(cases) - better - worse} unchanged. Differences run from {format_dice(lowest.gain)} "
        f"(case {lowest.case_id}) to {format_dice(highest.gain)} (case {highest.case_id})."
    )
