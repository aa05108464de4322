"""Bland-Altman plots of loads (Bland and Altman 1986)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.results import BlandAltman, name_network
from overread.questions.rater_bias.page.per_case import Loads, collect_common_loads
from overread.questions.rater_bias.results import SourcePair
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_load
from overread.report.palette import INK, MUTED

_WIDTH_PX, _HEIGHT_PX = 350, 300


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
    limits = _choose_limits([of_sources, of_networks], [pair.source_loads, pair.network_loads])
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


def _choose_limits(
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
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
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
        return finish_drawing(drawing, _describe(agreement, title, unit))


def _describe(agreement: BlandAltman, title: str, unit: str) -> str:
    low, high = format_load(agreement.lower_limit), format_load(agreement.upper_limit)
    return (
        f"Bland-Altman plot. {title}: bias {format_load(agreement.bias)} {unit}, 95 % limits of agreement {low} to "
        f"{high} {unit}, {agreement.case_count} cases."
    )
