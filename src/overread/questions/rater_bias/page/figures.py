"""The figures of the comparison of raters: gaps, paired Dice and loads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.results import BlandAltman, Estimate, name_network
from overread.questions.rater_bias.page.per_case import DiceByCase, Loads, collect_common_loads, compute_mean_gaps
from overread.questions.rater_bias.results import SourcePair
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.figures.case_axis import choose_height_px, choose_width_px, name_cases
from overread.report.formatting import format_count, format_load, write_interval
from overread.report.palette import GRID, INK, MUTED, Colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_PX, _ROW_PX, _FRAME_PX = 350, 36, 60


def draw_gap_forest(rows: Sequence[tuple[str, Estimate]]) -> Figure:
    """Draw one interval per row, named above its line, with a line at 0; the first row stands for all pairs."""
    with start_drawing(_WIDTH_PX, _FRAME_PX + _ROW_PX * len(rows)) as drawing:
        axes = drawing.add_subplot()
        axes.axvline(0, color=MUTED, linewidth=1.2)
        for place, (name, gap) in enumerate(rows):
            _draw_row(axes, place, name, gap)
        axes.set(xlim=_choose_limits([gap for _, gap in rows]), ylim=(len(rows) - 0.4, -0.9))
        axes.set(yticks=[], xlabel="Dice, own minus other")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        return finish_drawing(drawing, _describe(rows))


def _draw_row(axes: "Axes", place: int, name: str, gap: Estimate) -> None:
    axes.plot([gap.low, gap.high], [place, place], color=INK, linewidth=2, solid_capstyle="butt")
    axes.plot(gap.estimate, place, "D" if place == 0 else "o", color=INK, markersize=7)
    label = axes.text(0.0, place - 0.3, name, transform=axes.get_yaxis_transform(), fontsize=9, va="bottom")
    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 0.6})


def _choose_limits(gaps: Sequence[Estimate]) -> tuple[float, float]:
    ends = [end for gap in gaps for end in (gap.low, gap.estimate, gap.high) if np.isfinite(end)]
    low, high = min([*ends, 0.0]), max([*ends, 0.0])
    margin = 0.06 * (high - low) or 0.1
    return low - margin, high + margin


def _describe(rows: Sequence[tuple[str, Estimate]]) -> str:
    written = ((name, write_interval(gap)) for name, gap in rows)
    parts = (f"{name}: {gap.estimate} ({gap.bounds})" for name, gap in written)
    return f"Difference of Dice, own minus other, with intervals. {'; '.join(parts)}."


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
        return finish_drawing(drawing, _describe_paired_dice(dice, cases, noun))


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


def _describe_paired_dice(dice: DiceByCase, cases: Sequence[str], noun: str) -> str:
    pairs = [pair for by_case in dice.values() for pair in by_case.values() if pair.cross is not None]
    if not pairs:
        return f"Dice of {format_count(len(cases), 'case')} against the network's own {noun}; there is no other {noun}."
    better = sum(pair.same > pair.cross for pair in pairs if pair.cross is not None)
    return (
        f"Dice of {format_count(len(cases), 'case')}, one pair of marks per case and network. In {better} of "
        f"{format_count(len(pairs), 'pair')} the filled mark, for the network's own {noun}, lies above the hollow one."
    )


_PIXELS_PER_BAR = 5
_BARS_WIDTH = 0.8


def order_by_load(loads: Loads, sources: Sequence[str]) -> list[str]:
    """Cases by their mean load over the sources that labelled them, smallest first."""
    by_case: dict[str, list[float]] = {}
    for source in sources:
        for case_id, load in loads.get(source, {}).items():
            by_case.setdefault(case_id, []).append(load)
    return sorted(by_case, key=lambda case_id: (float(np.mean(by_case[case_id])), case_id))


def draw_load_bars(loads: Loads, colours: Colours, *, unit: str) -> Figure:
    """Draw one bar per case, source and network: filled for sources, hatched for their networks.

    Args:
        loads: load of each case of each label set.
        colours: colour of each source; its order is that of the bars.
        unit: unit of the loads.
    """
    cases = order_by_load(loads, list(colours))
    label_sets = [(source, source) for source in colours] + [(name_network(source), source) for source in colours]
    width = choose_width_px(len(cases), 8 + _PIXELS_PER_BAR * len(label_sets))
    with start_drawing(width, choose_height_px(cases, 270)) as drawing:
        axes = drawing.add_subplot()
        for place, (name, source) in enumerate(label_sets):
            offset = _BARS_WIDTH * ((place + 0.5) / len(label_sets) - 0.5)
            column = [loads.get(name, {}).get(case_id, np.nan) for case_id in cases]
            _draw_bars(axes, column, offset, _BARS_WIDTH / len(label_sets), colours[source], name == source)
        axes.set_ylabel(f"load ({unit})")
        axes.yaxis.set_major_formatter("{x:,g}")
        name_cases(axes, cases)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe_load_bar(cases, colours, unit))


def _draw_bars(
    axes: "Axes", column: Sequence[float], offset: float, width: float, colour: str, is_source: bool
) -> None:
    axes.bar(
        np.arange(len(column)) + offset,
        column,
        width=0.9 * width,
        facecolor=colour if is_source else "white",
        edgecolor=INK if is_source else colour,
        linewidth=0.5 if is_source else 1.2,
        hatch=None if is_source else "/////",
    )


def _describe_load_bar(cases: Sequence[str], colours: Colours, unit: str) -> str:
    return (
        f"Bars of the load in {unit} of {len(cases)} cases, ordered by load, from each of {', '.join(colours)} "
        "(filled) and from each of their networks (hatched). The counts are in the table of load differences."
    )


_BLAND_ALTMAN_WIDTH_PX, _HEIGHT_PX = 350, 300


@dataclass(frozen=True)
class AgreementPlot:
    """The two plots of a pair of sources: of the sources, and of their networks, on equal axes."""

    first: str
    second: str
    source_loads: BlandAltman
    network_loads: BlandAltman
    sources: Figure
    networks: Figure


def draw_bland_altman(pair: SourcePair, loads: Loads, *, unit: str) -> AgreementPlot:
    """Draw the differences of loads, second minus first, over their means."""
    names = (pair.first, pair.second, name_network(pair.first), name_network(pair.second))
    first, second, first_network, second_network = collect_common_loads(loads, names)
    of_sources, of_networks = _pair_up(first, second), _pair_up(first_network, second_network)
    limits = _choose_limits_bland_altman([of_sources, of_networks], [pair.source_loads, pair.network_loads])
    return AgreementPlot(
        first=pair.first,
        second=pair.second,
        source_loads=pair.source_loads,
        network_loads=pair.network_loads,
        sources=_draw(of_sources, pair.source_loads, limits, title=f"{pair.second} minus {pair.first}", unit=unit),
        networks=_draw(
            of_networks,
            pair.network_loads,
            limits,
            title=f"Network of {pair.second} minus network of {pair.first}",
            unit=unit,
        ),
    )


def _pair_up(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 2) mean and difference of two loads of each case."""
    return np.column_stack([(first + second) / 2, second - first])


def _choose_limits_bland_altman(
    points: Sequence[NDArray[np.float64]], agreements: Sequence[BlandAltman]
) -> tuple[tuple[float, float], tuple[float, float]]:
    everything = np.concatenate(points)
    lines = [limit for agreement in agreements for limit in (agreement.lower_limit, agreement.upper_limit)]
    differences = np.concatenate([everything[:, 1], [0.0], lines])
    differences = differences[np.isfinite(differences)]
    return _pad(np.append(everything[:, 0], 0.0)), _pad(differences)


def _pad(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _draw(
    points: NDArray[np.float64],
    agreement: BlandAltman,
    limits: tuple[tuple[float, float], tuple[float, float]],
    *,
    title: str,
    unit: str,
) -> Figure:
    with start_drawing(_BLAND_ALTMAN_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.axhline(agreement.bias, color=INK, linewidth=1.6)
        for limit in (agreement.lower_limit, agreement.upper_limit):
            axes.axhline(limit, color=INK, linewidth=1.2, linestyle=(0, (4, 3)))
        axes.scatter(points[:, 0], points[:, 1], s=22, facecolor="#7ba7c7", edgecolor=INK, linewidth=0.6, zorder=3)
        axes.set(xlim=limits[0], ylim=limits[1], xlabel=f"mean load ({unit})", ylabel=f"difference ({unit})")
        axes.xaxis.set_major_formatter("{x:,g}")
        axes.yaxis.set_major_formatter("{x:,g}")
        axes.locator_params(axis="x", nbins=5)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe_bland_altman(agreement, title, unit))


def _describe_bland_altman(agreement: BlandAltman, title: str, unit: str) -> str:
    low, high = format_load(agreement.lower_limit), format_load(agreement.upper_limit)
    return (
        f"Bland-Altman plot. {title}: bias {format_load(agreement.bias)} {unit}, 95 % limits of agreement {low} to "
        f"{high} {unit}, {agreement.case_count} cases."
    )
