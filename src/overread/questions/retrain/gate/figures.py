"""What the gate sees of a challenger."""

from overread.evaluation.results import Interval
from overread.evaluation.skill import Skill
from overread.questions.retrain.gate.settings import FEWEST_SUBJECTS, GateVerdict
from overread.settings import Settings


class ScoredChampion(Settings):
    """A champion, the present one or one before it, with its mean Dice over subjects on the cases that count."""

    version: int
    dice: float


class WorstSubject(Settings):
    """The subject that loses most, or gains least, with the challenger in place of the anchor."""

    subject_id: str
    difference: float


class PassChances(Settings):
    """How often a challenger passes this comparison of Dice, if subjects vary as they were found to.

    Attributes:
        equal: one that is as good as the anchor.
        at_margin: one that is worse by the margin.
        beyond: one that is worse by the margin and FURTHER_LOSS more.
    """

    equal: float
    at_margin: float
    beyond: float


class GateFigures(Settings):
    """What the gate sees of a challenger; all means are over subjects.

    Attributes:
        subject_count: held-out subjects with a case that counts.
        case_count: held-out cases that count.
        skill: whether the challenger has learnt anything; None where that cannot be measured.
        challenger_dice: mean Dice against the reference; None without a case. Descriptive, as the next two.
        anchor_dice: the same of the anchor; None without one.
        champion_dice: the same of the present champion; None without one.
        anchor: version of the best champion so far; None without one.
        scores: the champions that it was chosen from, newest first.
        dice_difference: challenger minus anchor, paired by subject, with the bounds that decide.
        difference_std: standard deviation of that difference between subjects; None for fewer than two.
        champion_difference: challenger minus present champion, which decides nothing; None where that is the anchor.
        worst: subject with the lowest difference.
        chances: of passing; None where nothing was compared, or too few subjects are.
        load_bias: of the challenger, with the bounds that decide; None where the reference has labelled no voxel.
        anchor_load_bias: the same of the anchor.
        reasons: why the challenger is refused, a sentence each.
        doubts: why it can neither be promoted nor refused, a sentence each.
    """

    subject_count: int
    case_count: int
    skill: Skill | None = None
    challenger_dice: Interval | None = None
    anchor_dice: Interval | None = None
    champion_dice: Interval | None = None
    anchor: int | None = None
    scores: tuple[ScoredChampion, ...] = ()
    dice_difference: Interval | None = None
    difference_std: float | None = None
    champion_difference: Interval | None = None
    worst: WorstSubject | None = None
    chances: PassChances | None = None
    load_bias: Interval | None = None
    anchor_load_bias: Interval | None = None
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def verdict(self) -> GateVerdict:
        """What the gate says; a reason to refuse weighs more than a doubt."""
        if self.reasons:
            return "refuse"
        return "hold" if self.doubts else "promote"

    @property
    def has_few_subjects(self) -> bool:
        """Whether too few subjects count for anything to be told."""
        return self.subject_count < FEWEST_SUBJECTS

    @property
    def has_learnt_too_little(self) -> bool:
        """Whether the challenger is known to do little better than a mask that ignores the image."""
        return self.skill is not None and not self.skill.has_learnt
