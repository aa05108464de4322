"""Loads of two sources set against the loads of their two networks: is the difference amplified?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from overread.evaluation.results import LoadOrder, name_network
from overread.questions.rater_bias.page.per_case import Loads, collect_common_loads
from overread.questions.rater_bias.results import SourcePair
from overread.report.formatting import format_load

Change: TypeAlias = Literal["more", "equal", "less"]
Effect: TypeAlias = Literal["amplified", "damped", "mixed", "unchanged", "reversed", "unknown"]


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


def judge_contrast(contrast: LoadContrast) -> Effect:
    """Name what became of a difference in load between two sources when it is looked at between their networks.

    It is amplified when it became more consistent or larger, and neither less consistent nor smaller; damped is the
    opposite. Sizes are compared as they are printed, so that "larger" never stands between two equal numbers.
    """
    if not contrast.is_complete:
        return "unknown"
    if is_reversed(contrast):
        return "reversed"
    changes = {compare_consistency(contrast), compare_size(contrast)} - {"equal"}
    if len(changes) == 2:
        return "mixed"
    return "amplified" if "more" in changes else "damped" if "less" in changes else "unchanged"


def compare_consistency(contrast: LoadContrast) -> Change:
    """Whether the networks keep one order of loads in a larger, equal or smaller share of cases than the sources."""
    sources, networks = contrast.source_order, contrast.network_order
    left = max(networks.below, networks.above) * sources.case_count
    right = max(sources.below, sources.above) * networks.case_count
    return "more" if left > right else "less" if left < right else "equal"


def compare_size(contrast: LoadContrast) -> Change:
    """Whether the networks' loads differ by more or less than the sources', at the precision that is printed."""
    sources, networks = contrast.source_difference or 0.0, contrast.network_difference or 0.0
    if format_load(sources) == format_load(networks):
        return "equal"
    return "more" if networks > sources else "less"


def is_reversed(contrast: LoadContrast) -> bool:
    """Whether the first source is mostly below the second, and its network mostly above the other, or vice versa."""
    sources, networks = contrast.source_order, contrast.network_order
    return (sources.below - sources.above) * (networks.below - networks.above) < 0


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
