"""Relabelling of one mask by a settled change, within limits."""

from dataclasses import dataclass

import numpy as np

from overread.labels.relabel_rules.change import Change, RuleCase
from overread.labels.relabel_rules.guards import Refusal, RelabelGuards
from overread.settings import Settings
from overread.types import Mask


class RelabelSettings(Settings):
    """How masks are changed.

    Attributes:
        change: what is done to every mask.
        guards: which new masks are refused.
    """

    change: Change
    guards: RelabelGuards = RelabelGuards()


@dataclass(frozen=True)
class RelabelledCase:
    """What became of one mask.

    Attributes:
        proposal: (*S) what the change makes of it, whatever the limits say.
        mask: (*S) the new mask, or the given one where the new one is refused.
        changed_count: voxels that the change alters, holes that were filled among them.
        changed_share: the same as a share of the labelled voxels; infinite for an empty mask that gains voxels.
        area_ratio: labelled voxels of the proposal as a multiple of those of the mask; infinite for an empty mask that
            gains voxels, 1 for one that gains none.
        refusal: why the new mask is refused; empty where it is not.
    """

    proposal: Mask
    mask: Mask
    changed_count: int
    changed_share: float
    area_ratio: float
    refusal: Refusal

    @property
    def is_kept(self) -> bool:
        """Whether the mask is the given one because the new one is refused."""
        return bool(self.refusal)


def relabel_case(case: RuleCase, settings: RelabelSettings) -> RelabelledCase:
    """Change a mask, unless a limit refuses that. The given mask is not written to.

    Raises:
        InputError: the change needs a probability and there is none.
    """
    proposal = settings.change.propose(case)
    refusal = settings.guards.refuse(case.mask, proposal)
    changed, old, new = (int(np.count_nonzero(one)) for one in (proposal ^ case.mask, case.mask, proposal))
    return RelabelledCase(
        proposal=proposal,
        mask=case.mask.copy() if refusal else proposal,
        changed_count=changed,
        changed_share=changed / old if old else (float("inf") if changed else 0.0),
        area_ratio=new / old if old else (float("inf") if new else 1.0),
        refusal=refusal,
    )
