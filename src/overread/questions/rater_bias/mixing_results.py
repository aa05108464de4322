"""What mixed-source training finds: Dice against every source over the labels that were added."""

from overread.evaluation.results import Estimate
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import Verdict, judge
from overread.records import Result

MIXING_COLUMNS = ("ratio", "added_count", "reference", "case_id", "subject_id", "fold", "repeat", "dice")
"""Columns of the table `mixing.csv`: one row per ratio, reference, held-out case and repeat of the training.

`ratio` is the share of the second source's training labels that was learnt beside all of the first source's, in
[0, 1]; 0 is the plain network of the first source. `added_count` is the number of labels added in the fold that holds
the case out. `reference` is the source whose mask the prediction is compared with. Each repeat's network predicts by
itself.
"""

SECOND_NETWORK_COLUMNS = MIXING_COLUMNS[2:]
"""Columns of the table of the plain network of the second source."""


class ReferenceDice(Result):
    """Dice of the networks of one ratio against one source, and its change against those of the first source alone.

    Attributes:
        reference: the source.
        mean: over the subjects of `case_count` held-out cases; None where there is none.
        case_count: held-out cases that the source has labelled.
        change: Dice minus Dice of the plain networks of the first source; None for these networks themselves, and where
            the two have no common case.
        change_case_count: cases that the change is taken over.
        corrected_p: p of the change after Holm's correction over all ratios and references; None for the plain networks
            of both sources, and where the change has no valid interval.
    """

    reference: str
    mean: Estimate | None
    case_count: int
    change: Estimate | None
    change_case_count: int
    corrected_p: float | None


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
    """How far networks lie from the plain networks of the first source, towards the second source.

    All three are taken over the same cases. What helps or harms the agreement with both sources alike, for example more
    examples to learn from, is in both changes and not in their difference.

    Attributes:
        first_change: change of Dice against the first source.
        second_change: change of Dice against the second source.
        difference: second minus first; above 0 the networks moved towards the second source.
        case_count: cases with masks of both sources and of both networks.
    """

    first_change: Estimate
    second_change: Estimate
    difference: Estimate
    case_count: int


class MixingEvaluation(Result):
    """Everything that the section on mixed-source training says in numbers.

    Attributes:
        first: the source of which all training labels are learnt.
        second: the source of which labels are added.
        references: the sources that networks are compared with.
        networks: by rising ratio, from 0.
        second_network: Dice of the plain networks of the second source against each reference; None if not given.
        shift: from ratio 0 to the largest ratio; None where no case has all that it needs.
        full_shift: from the plain networks of the first source to those of the second; None likewise.
        skills: by source, how well the networks compared have learnt it; empty where that was not measured.
        matters: smallest difference of Dice that matters.
        subject_count: subjects that are held out.
        training_count: networks compared.
    """

    first: str
    second: str
    references: tuple[str, ...]
    networks: tuple[MixedNetwork, ...]
    second_network: tuple[ReferenceDice, ...] | None
    shift: SourceShift | None
    full_shift: SourceShift | None
    skills: dict[str, Skill]
    matters: float
    subject_count: int
    training_count: int

    @property
    def confidence(self) -> float:
        """Two-sided coverage that all intervals aim at."""
        return next(one.mean.confidence for network in self.networks for one in network.dice if one.mean)

    @property
    def available_counts(self) -> tuple[int, int] | None:
        """Training labels of the second source, fewest and most of a fold; None if ratio 1 was not tried."""
        top = self.networks[-1]
        return top.added_counts if top.ratio == 1 else None

    @property
    def has_learnt(self) -> bool:
        """Whether all networks compared learnt enough for a difference between them to say anything."""
        return all(skill.has_learnt for skill in self.skills.values())

    @property
    def verdict(self) -> Verdict:
        """Whether added labels move the networks towards the second source: "yes", or "the wrong way round" if away."""
        if self.shift is None:
            return "cannot tell" if self.has_learnt else "learnt too little"
        return judge(self.shift.difference, matters=self.matters, has_learnt=self.has_learnt)

    def judge_change(self, one: ReferenceDice) -> Verdict:
        """Read the change of a mixed network against one source, corrected for all that are judged beside it."""
        if one.change is None:
            return "cannot tell"
        return judge(one.change, matters=self.matters, has_learnt=self.has_learnt, corrected_p=one.corrected_p)
