"""What mixed-source training finds: Dice against every source over the labels that were added."""

from typing import Literal, TypeAlias

from overread.evaluation.results import Interval
from overread.records import Result

MIXING_COLUMNS = ("ratio", "added_count", "reference", "case_id", "subject_id", "dice")
"""Columns of the per-case table `mixing.csv`: one row per ratio, reference and held-out case.

`ratio` is the share of the second source's training labels that was learnt beside all of the first source's, in
[0, 1]; 0 is the plain network of the first source. `added_count` is the number of labels added in the fold that holds
the case out. `reference` is the source whose mask the prediction is compared with.
"""

SECOND_NETWORK_COLUMNS = MIXING_COLUMNS[2:]
"""Columns of the table of the plain network of the second source; rows of COMPARISON_COLUMNS have them, too."""

Outcome: TypeAlias = Literal["towards", "away", "undecided"]
"""Where added labels of the second source move a network: the interval of the shift lies above 0, below 0, around 0."""

_ROUNDING = 1e-12
"""Differences of Dice that equal arithmetic in another order can make."""


class ReferenceDice(Result):
    """Dice of one network against one source, and its change against the plain network of the first source.

    Attributes:
        reference: the source.
        mean: over `case_count` held-out cases, interval over subjects; None where there is none.
        case_count: held-out cases that the source has labelled.
        change: Dice minus Dice of the plain network of the first source, per case; None for that network itself, and
            where the two have no common case.
        change_case_count: cases that the change is taken over.
        paired_p: paired t-test of the change over cases.
        paired_p_holm: the same, Holm-corrected over all ratios and references; None for the plain networks.
    """

    reference: str
    mean: Interval | None
    case_count: int
    change: Interval | None
    change_case_count: int
    paired_p: float | None
    paired_p_holm: float | None


class MixedNetwork(Result):
    """The networks of all folds that learnt one ratio of the second source's labels.

    Attributes:
        ratio: share of the second source's training labels that was added, in [0, 1].
        added_counts: number of labels added, fewest and most of a fold.
        dice: against each source, in the order of the evaluation's references.
    """

    ratio: float
    added_counts: tuple[int, int]
    dice: tuple[ReferenceDice, ...]


class SourceShift(Result):
    """How far a network lies from the plain network of the first source, towards the second source.

    All three are taken over the same cases. What helps or harms the agreement with both sources alike, for example more
    examples to learn from, is in both changes and not in their difference.

    Attributes:
        first_change: change of Dice against the first source.
        second_change: change of Dice against the second source.
        difference: second minus first, per case; above 0 the network moved towards the second source.
        case_count: cases with masks of both sources and of both networks.
    """

    first_change: Interval
    second_change: Interval
    difference: Interval
    case_count: int

    @property
    def outcome(self) -> Outcome:
        """Where the network moved; undecided, too, where a single subject leaves the interval unknown."""
        outcomes: dict[int, Outcome] = {1: "towards", -1: "away", 0: "undecided"}
        return outcomes[find_sign(self.difference)]


class MixingEvaluation(Result):
    """Everything that the section on mixed-source training says in numbers.

    Attributes:
        first: the source of which all training labels are learnt.
        second: the source of which labels are added.
        references: the sources that networks are compared with.
        networks: by rising ratio, from 0.
        second_network: Dice of the plain network of the second source against each reference; None if not given.
        shift: from ratio 0 to the largest ratio; None where no case has all that it needs.
        full_shift: from the plain network of the first source to that of the second; None likewise.
        subject_count: subjects that are held out.
        seed: of the bootstrap.
    """

    first: str
    second: str
    references: tuple[str, ...]
    networks: tuple[MixedNetwork, ...]
    second_network: tuple[ReferenceDice, ...] | None
    shift: SourceShift | None
    full_shift: SourceShift | None
    subject_count: int
    seed: int

    @property
    def confidence(self) -> float:
        """Two-sided coverage that all intervals aim at."""
        return next(one.mean.confidence for network in self.networks for one in network.dice if one.mean)

    @property
    def available_counts(self) -> tuple[int, int] | None:
        """Training labels of the second source, fewest and most of a fold; None if ratio 1 was not tried."""
        top = self.networks[-1]
        return top.added_counts if top.ratio == 1 else None


def find_sign(interval: Interval) -> int:
    """1 or -1 if the whole interval lies above or below 0, else 0, also where its bounds are unknown."""
    return int(interval.low > _ROUNDING) - int(interval.high < -_ROUNDING)
