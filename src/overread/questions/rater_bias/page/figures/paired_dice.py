"""Same-source and cross-source Dice of every case, paired."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from overread.questions.rater_bias.page.per_case import DiceByCase, compute_mean_gaps
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.figures.case_axis import choose_height_px, choose_width_px, name_cases
from overread.report.formatting import format_count
from overread.report.palette import INK, Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PIXELS_PER_NETWORK = 10
_CLUSTER_WIDTH = 0.7


def order_by_gap(dice: DiceByCase) -> list[str]:
    """Cases by their mean gap, largest first; cases without a gap follow by name."""
    gaps = compute_mean_gaps(dice)
    cases = {case_id for by_case in dice.values() for case_id in by_case}
    return sorted(cases, key=lambda case_id: (-gaps.get(case_id, -np.inf), case_id))


def draw_paired_dice(dice: DiceByCase, colours: Colours, *, noun: str) -> Figure:
    """Draw a filled mark (same source) tied to a hollow one (other sources) per case and network, largest gap first.

    Args:
        dice: same-source and cross-source Dice per network and case.
        colours: colour of each source.
        noun: what the text alternative calls a source.
    """
    cases = order_by_gap(dice)
    width = choose_width_px(len(cases), 6 + _PIXELS_PER_NETWORK * len(dice))
    with start_drawing(width, choose_height_px(cases, 270)) as drawing:
        axes = drawing.add_subplot()
        for place, source in enumerate(dice):
            offset = _CLUSTER_WIDTH * ((place + 0.5) / len(dice) - 0.5)
            _draw_network(axes, dice, source, cases, offset, colours[source])
        axes.set_ylabel("Dice")
        name_cases(axes, cases)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe(dice, cases, noun))


def _draw_network(
    axes: "Axes", dice: DiceByCase, source: str, cases: Sequence[str], offset: float, colour: str
) -> None:
    places = {case_id: place + offset for place, case_id in enumerate(cases)}
    same = {case_id: pair.same for case_id, pair in dice[source].items()}
    cross = {case_id: pair.cross for case_id, pair in dice[source].items() if pair.cross is not None}
    axes.vlines(
        [places[case] for case in cross],
        [cross[case] for case in cross],
        [same[case] for case in cross],
        color=colour,
        linewidth=2,
        zorder=2,
    )
    for values, face in ((cross, "white"), (same, colour)):
        axes.scatter(
            [places[case] for case in values],
            list(values.values()),
            s=26,
            facecolor=face,
            edgecolor=INK if face == colour else colour,
            linewidth=0.6 if face == colour else 1.6,
            zorder=3,
        )


def _describe(dice: DiceByCase, cases: Sequence[str], noun: str) -> str:
    pairs = [pair for by_case in dice.values() for pair in by_case.values() if pair.cross is not None]
    if not pairs:
        return f"Dice of {format_count(len(cases), 'case')} against the network's own {noun}; there is no other {noun}."
    better = sum(pair.same > pair.cross for pair in pairs if pair.cross is not None)
    return (
        f"Dice of {format_count(len(cases), 'case')}, one pair of marks per case and network. In {better} of "
        f"{format_count(len(pairs), 'pair')} the filled mark, for the network's own {noun}, lies above the hollow one."
    )
