"""The rule of Redekop and Chernyavskiy (2021), section 2.3: every uncertain voxel changes sides."""

from dataclasses import dataclass

from overread.labels.relabel_rules.change import Flip
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.rule import Evidence, SettledRule
from overread.labels.uncertainty_threshold import choose_threshold


@dataclass(frozen=True)
class PaperRule:
    """Every uncertain voxel changes sides.

    At the edge of a structure about as many voxels are uncertain inside as outside of it, so that labels are lost on
    one side for those that are gained on the other.

    Attributes:
        threshold: δ; None lets the maps choose it by Otsu's rule, for the paper gives none.
    """

    threshold: float | None = None

    def settle(self, evidence: Evidence, _: RelabelGuards) -> SettledRule:
        """See `RelabelRule`."""
        return SettledRule(rule="paper", change=Flip(threshold=settle_threshold(self.threshold, evidence)))


def settle_threshold(threshold: float | None, evidence: Evidence) -> float:
    """The threshold that is given, or the one that all maps together choose.

    Raises:
        InputError: see `choose_threshold`.
    """
    if threshold is not None:
        return threshold
    return choose_threshold(evidence.read(case_id).uncertainty for case_id in evidence.case_ids)
