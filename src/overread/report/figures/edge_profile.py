"""How steep the images are along outlines that are moved outwards and inwards."""

from overread.labels.outline_direction import OutlineDirection
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_number
from overread.report.palette import INK, MUTED, SOURCE_COLOURS

_WIDTH_PX, _HEIGHT_PX = 460, 280
_COLOUR = SOURCE_COLOURS[1]


def draw_edge_profile(direction: OutlineDirection, unit: str) -> Figure:
    """Draw the mean gradient against the offset, its bootstrap interval, the outlines as drawn and the steepest place.

    Args:
        direction: what was found for a source.
        unit: length unit of the offsets.
    """
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.subplots()
        add_value_grid(axes)
        axes.fill_between(direction.offsets, direction.lowest, direction.highest, color=_COLOUR, alpha=0.2, linewidth=0)
        axes.plot(direction.offsets, direction.profile, color=_COLOUR, marker="o", markersize=4)
        axes.axvline(0, color=MUTED, linestyle="--", linewidth=1, label="as drawn")
        if direction.has_edges:
            axes.axvline(direction.offset, color=INK, linewidth=1, label="steepest")
        axes.set_ylim(bottom=0)
        axes.set_xlabel(f"outlines moved outwards by ({unit})")
        axes.set_ylabel("mean gradient along them")
        drawing.legend(loc="outside upper left", ncols=2, frameon=False)
        return finish_drawing(drawing, _describe(direction, unit))


def _describe(direction: OutlineDirection, unit: str) -> str:
    low, high = (format_number(float(end), count_decimals(unit)) for end in direction.offsets[[0, -1]])
    if not direction.has_edges:
        return f"Between {low} and {high} {unit} the gradient has no clear maximum."
    steepest = format_number(direction.offset, count_decimals(unit))
    return f"Of outlines moved by {low} to {high} {unit}, the gradient is largest at {steepest} {unit}."


def count_decimals(unit: str) -> int:
    """Decimals that an offset is written with."""
    return 0 if unit == "px" else 1
