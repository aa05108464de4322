"""Uncertain voxels change sides where the mean prediction contradicts their label."""

from dataclasses import dataclass

from overread.labels.relabel_rules.change import Flip
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.paper import settle_threshold
from overread.labels.relabel_rules.rule import Evidence, SettledRule


@dataclass(frozen=True)
class ContradictedRule:
    """The paper's rule for those uncertain voxels alone whose label the mean prediction contradicts at 0.5.

    A network that learnt labels which lack a part of the structure contradicts the rest of them, too: the rule shrinks
    such labels further.

    Attributes:
        threshold: δ; None lets the maps choose it by Otsu's rule.
    """

    threshold: float | None = None

    def settle(self, evidence: Evidence, _: RelabelGuards) -> SettledRule:
        """See `RelabelRule`."""
        threshold = settle_threshold(self.threshold, evidence)
        return SettledRule(rule="contradicted", change=Flip(threshold=threshold, which="contradicted"))
