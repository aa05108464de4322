"""Which label sets a cross-evaluation compares with which."""

from collections.abc import Sequence
from itertools import combinations

from overread.evaluation.results import name_network


def list_name_pairs(sources: Sequence[str]) -> list[tuple[str, str]]:
    """List (prediction, reference): sources two by two, each network with each source, networks two by two.

    Of two sources or two networks the first stands as prediction, the second as reference, in the order of `sources`.
    """
    networks = [name_network(source) for source in sources]
    return [
        *combinations(sources, 2),
        *((network, source) for network in networks for source in sources),
        *combinations(networks, 2),
    ]
