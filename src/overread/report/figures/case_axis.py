"""The axis that names the cases, shared by the plots that show every case."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALLEST_WIDTH_PX = 340
_MARGIN_PX = 80
_LABEL_HEIGHT_PX = 7


def choose_width_px(case_count: int, slot_px: int) -> int:
    """Width of a plot that gives each case a slot; wider than the page where there are many cases."""
    return max(SMALLEST_WIDTH_PX, _MARGIN_PX + case_count * slot_px)


def choose_height_px(case_ids: Sequence[str], plot_height_px: int) -> int:
    """Height of a plot with room for the upright names of its cases."""
    longest = max((len(case_id) for case_id in case_ids), default=0)
    return plot_height_px + 30 + _LABEL_HEIGHT_PX * longest


def name_cases(axes: "Axes", case_ids: Sequence[str]) -> None:
    """Put one tick per case at 0, 1, 2, … and repeat the value axis at the right edge, for plots that are scrolled."""
    axes.set_xticks(range(len(case_ids)), case_ids, rotation=90)
    axes.set_xlim(-0.6, max(len(case_ids), 1) - 0.4)
    axes.tick_params(axis="x", length=0)
    axes.tick_params(axis="y", right=True, labelright=True)
