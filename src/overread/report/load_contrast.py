"""Loads of two sources set against the loads of their two networks: is the difference amplified?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.evaluation.results import LoadOrder, SourcePair, name_network
from overread.report.per_case import Loads, collect_common_loads


@dataclass(frozen=True)
class LoadContrast:
    """How two sources differ in load, and how their networks do.

    Attributes:
        first: a source.
        second: another source.
        source_order: in how many cases the first source lies below, at or above the second.
        network_order: the same of their networks.
        source_difference: mean absolute difference of the sources' loads; None without a common case.
        network_difference: the same of their networks.
    """

    first: str
    second: str
    source_order: LoadOrder
    network_order: LoadOrder
    source_difference: float | None
    network_difference: float | None

    @property
    def is_complete(self) -> bool:
        """Whether there are cases to speak about."""
        counts = self.source_order.case_count and self.network_order.case_count
        return bool(counts) and self.source_difference is not None and self.network_difference is not None


def contrast_loads(pairs: Sequence[SourcePair], loads: Loads) -> tuple[LoadContrast, ...]:
    """Set the loads of each pair of sources against those of their networks.

    The mean absolute differences are taken over the cases of which all four loads are known.
    """
    return tuple(_contrast(pair, loads) for pair in pairs)


def _contrast(pair: SourcePair, loads: Loads) -> LoadContrast:
    names = (pair.first, pair.second, name_network(pair.first), name_network(pair.second))
    first, second, first_network, second_network = collect_common_loads(loads, names)
    return LoadContrast(
        first=pair.first,
        second=pair.second,
        source_order=pair.source_order,
        network_order=pair.network_order,
        source_difference=float(np.abs(second - first).mean()) if first.size else None,
        network_difference=float(np.abs(second_network - first_network).mean()) if first.size else None,
    )
