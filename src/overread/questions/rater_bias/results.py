"""What a cross-evaluation finds: the numbers behind the answer, the matrix and the loads."""

from typing import Literal, TypeAlias

from overread.evaluation.matters import Matters
from overread.evaluation.results import BlandAltman, Estimate, Interval, LoadOrder, MetricSummary
from overread.evaluation.skill import Skill
from overread.evaluation.verdict import Verdict
from overread.records import Result
from overread.study.schema import LengthUnit, LoadUnit

Effect: TypeAlias = Literal[
    "learnt too little",
    "raters do not differ clearly",
    "reversed",
    "amplified",
    "damped",
    "passed on about as it was",
    "cannot tell",
]
"""What became of a difference in load between two raters when their networks are compared."""


class LoadDifferences(Result):
    """The difference in load of two raters beside that of their networks.

    A difference is signed and relative, 2 (second - first) / (second + first), from -2 to 2 and 0 where both masks are
    empty; it is averaged per subject, then over subjects.

    Attributes:
        raters: between the two raters, with Student's t over subjects.
        networks: between their two networks, each repeat by itself.
        change: networks minus raters, case by case, above 0 where the networks differ by more in the raters' direction.
    """

    raters: Interval
    networks: Estimate
    change: Estimate


class SourcePair(Result):
    """Two sources and the two networks trained on them, all on the same cases.

    Attributes:
        first: name of a source.
        second: name of another source.
        case_count: cases that have a mask of both sources and of both networks; the rest of the pair is about these.
        source_dice: Dice of the sources with each other.
        network_dice: Dice of the networks with each other; like all Dice and loads of networks up to `network_loads`
            from the masks of all repeats together.
        source_order: loads of the first source against the second.
        network_order: loads of the first network against the second.
        source_loads: load of the second source minus the first.
        network_loads: load of the second network minus the first.
        dice_gap: same-source minus cross-source Dice, mean of both networks, each repeat by itself.
        p_holm: p of `dice_gap`, Holm-corrected over all pairs; None where it has no valid interval.
        verdict: what `dice_gap` says after this correction.
        load_differences: between the sources and between their networks.
        effect: what became of the sources' difference in load.
    """

    first: str
    second: str
    case_count: int
    source_dice: MetricSummary
    network_dice: MetricSummary
    source_order: LoadOrder
    network_order: LoadOrder
    source_loads: BlandAltman
    network_loads: BlandAltman
    dice_gap: Estimate
    p_holm: float | None
    verdict: Verdict
    load_differences: LoadDifferences
    effect: Effect


class ConsensusGain(Result):
    """The network of a consensus against that of one rater, by their Dice with all raters.

    Attributes:
        consensus: name of a source that is a consensus of raters.
        rater: name of a rater.
        gain: Dice of the consensus' network minus that of the rater's, mean over raters, each repeat by itself, over
            the cases that all raters have labelled.
        p_holm: p of `gain`, Holm-corrected over all consensus and raters; None where it has no valid interval.
        verdict: what `gain` says after this correction.
    """

    consensus: str
    rater: str
    gain: Estimate
    p_holm: float | None
    verdict: Verdict


class CrossEvaluation(Result):
    """Everything that the report of `rater-bias` says in numbers.

    Intervals that are no `Estimate` are bootstrap intervals over subjects: they leave out the luck of training.

    Attributes:
        study: name of the study.
        target: the structure outlined.
        length_unit: unit of surface distances.
        load_unit: unit of loads.
        surface_tolerance: tolerance of the surface Dice, in the length unit.
        matters: the smallest differences that matter.
        sources: the sources compared; each has a network.
        raters: those of them that are no consensus of others. Pairs, tests and all that is same or cross are theirs.
        case_ids: all cases considered.
        missing_cases: per source, the cases that it has not labelled; a network has an entry only if it lacks cases
            that its source has labelled.
        empty_cases: per label set, the cases whose mask is empty.
        skills: by source, whether its networks have learnt enough.
        rater_dice: by source, the Dice of its networks against the raters, mean over raters and repeats, per subject,
            over the cases that all raters have labelled; empty without a consensus.
        consensus_gains: every consensus against every rater; empty without a consensus.
        matrix: every metric of every pair of label sets (source-source, network-source, network-network); networks by
            the masks of all their repeats together.
        pairs: the raters two by two; two raters without a common case form none.
        same_dice: mean Dice of the raters' networks against their own rater, averaged per subject, then over subjects;
            as for the next two, each repeat by itself and over the cases that have both kinds of Dice (of one rater:
            over all its cases).
        cross_dice: mean Dice of the networks against the other raters; None where there is none.
        dice_gap: same minus cross; None where there is none.
        verdict: what `dice_gap` says; where it is None, "cannot tell" unless a network has learnt too little.
        two_sample_p: the paper's test, Student's t-test between all same-source and all cross-source Dice values. They
            are not independent (each case and each network gives several), so that nothing is concluded from it.
    """

    study: str
    target: str
    length_unit: LengthUnit
    load_unit: LoadUnit
    surface_tolerance: float
    matters: Matters
    sources: tuple[str, ...]
    raters: tuple[str, ...]
    case_ids: tuple[str, ...]
    missing_cases: dict[str, tuple[str, ...]]
    empty_cases: dict[str, tuple[str, ...]]
    skills: dict[str, Skill]
    rater_dice: dict[str, Interval]
    consensus_gains: tuple[ConsensusGain, ...]
    matrix: tuple[MetricSummary, ...]
    pairs: tuple[SourcePair, ...]
    same_dice: Interval
    cross_dice: Interval | None
    dice_gap: Estimate | None
    verdict: Verdict
    two_sample_p: float | None

    @property
    def consensus(self) -> tuple[str, ...]:
        """The sources that are a consensus of others."""
        return tuple(source for source in self.sources if source not in self.raters)

    @property
    def rater_skills(self) -> dict[str, Skill]:
        """Those of the raters' networks, which the verdict rests on."""
        return {source: skill for source, skill in self.skills.items() if source in self.raters}
