"""What all rules have in common: what they may look at, and what they settle on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from overread.labels.outline_direction import OutlineVerdict
from overread.labels.relabel_rules.change import Change, RuleCase
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.names import RuleName
from overread.settings import Settings
from overread.types import Image, Mask


@dataclass(frozen=True)
class Evidence:
    """What a rule may look at before it settles on a change; cases are read one at a time.

    Attributes:
        case_ids: cases whose labels are learnt.
        read: label and maps of a case.
        read_image: its image, (C, *S).
        subject_of: subject of each case.
        clean_case_ids: cases whose clean masks may be looked at.
        read_clean: the clean mask of one of them.
    """

    case_ids: Sequence[str]
    read: Callable[[str], RuleCase]
    read_image: Callable[[str], Image]
    subject_of: Mapping[str, str]
    clean_case_ids: Sequence[str] = ()
    read_clean: Callable[[str], Mask] = field(default=lambda _: _refuse_clean())


def _refuse_clean() -> Mask:
    raise LookupError("no clean case was named")


class ScoredChange(Settings):
    """One candidate.

    Attributes:
        change: the candidate.
        score: edge: mean gradient along the outlines; clean: mean Dice with the clean masks.
    """

    change: Change
    score: float


class SettledRule(Settings):
    """The change that a rule chose, the same for all cases, and how it came to it.

    Attributes:
        rule: its name.
        change: what is done to every mask.
        grid: all candidates that were looked at, best or not, in the order of the grid.
        clean_case_ids: cases whose clean masks were looked at; empty where no clean label was used.
        verdict: edge: what the images say about the outlines as they are; None for other rules.
        remark: what a reader should know about the choice; empty where there is nothing.
    """

    rule: RuleName
    change: Change
    grid: tuple[ScoredChange, ...] = ()
    clean_case_ids: tuple[str, ...] = ()
    verdict: OutlineVerdict | None = None
    remark: str = ""

    @property
    def uses_clean_labels(self) -> bool:
        """Whether clean labels were looked at."""
        return bool(self.clean_case_ids)


class RelabelRule(Protocol):
    """A rule that looks at what it may, and settles on one change for all cases."""

    def settle(self, evidence: Evidence, guards: RelabelGuards, /) -> SettledRule:
        """Choose the change.

        Raises:
            InputError: there is nothing to choose from.
        """
