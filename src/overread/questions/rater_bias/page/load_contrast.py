"""Loads of two sources set beside the loads of their two networks, for the table of differences."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.evaluation.results import name_network
from overread.questions.rater_bias.page.per_case import Loads, collect_common_loads
from overread.questions.rater_bias.results import SourcePair


@dataclass(frozen=True)
class LoadContrast:
    """How two sources differ in load, and how their networks do.

    Attributes:
        pair: order of the loads, and what became of their difference.
        source_difference: mean absolute difference of the sources' loads; None without a common case. Noise makes it
            larger, so that nothing is concluded from it.
        network_difference: the same of their networks, by the masks of all repeats together.
    """

    pair: SourcePair
    source_difference: float | None
    network_difference: float | None


def contrast_loads(pairs: Sequence[SourcePair], loads: Loads) -> tuple[LoadContrast, ...]:
    """Set the loads of each pair of sources beside those of their networks.

    The mean absolute differences are taken over the cases of which all four loads are known.
    """
    return tuple(_contrast(pair, loads) for pair in pairs)


def _contrast(pair: SourcePair, loads: Loads) -> LoadContrast:
    names = (pair.first, pair.second, name_network(pair.first), name_network(pair.second))
    first, second, first_network, second_network = collect_common_loads(loads, names)
    return LoadContrast(
        pair=pair,
        source_difference=float(np.abs(second - first).mean()) if first.size else None,
        network_difference=float(np.abs(second_network - first_network).mean()) if first.size else None,
    )
