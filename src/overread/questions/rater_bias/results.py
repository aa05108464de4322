"""What a cross-evaluation finds: the numbers behind the matrix, the loads and the tests."""

from overread.evaluation.results import BlandAltman, Interval, LoadOrder, MetricSummary
from overread.records import Result
from overread.study.schema import LengthUnit, LoadUnit


class SourcePair(Result):
    """Two sources and the two networks trained on them, all on the same cases.

    Attributes:
        first: name of a source.
        second: name of another source.
        case_count: cases that have a mask of both sources and of both networks; the rest of the pair is about these.
        source_dice: Dice of the sources with each other.
        network_dice: Dice of the networks with each other.
        source_order: loads of the first source against the second.
        network_order: loads of the first network against the second.
        source_loads: load of the second source minus the first.
        network_loads: load of the second network minus the first.
        dice_gap: same-source minus cross-source Dice of both networks, per case; bootstrap over subjects.
        two_sample_p: Student's t-test between their same-source and cross-source Dice values.
        paired_p: paired t-test over cases.
        paired_p_holm: the same, Holm-corrected over all pairs; None where there are only two sources.
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
    dice_gap: Interval
    two_sample_p: float | None
    paired_p: float | None
    paired_p_holm: float | None

    @property
    def consistency_growth(self) -> float:
        """Growth, from sources to networks, of the share of cases in the sources' more frequent order of loads.

        In [-1, 1]; above 0 the networks amplify the difference of their raters (from 75 % to 100 % of the cases gives
        0.25). Where the sources have no more frequent order, that of the networks counts.
        """
        sources, networks = self.source_order, self.network_order
        if sources.below == sources.above:
            return networks.consistency - sources.consistency
        same_order = networks.below if sources.below > sources.above else networks.above
        return same_order / networks.case_count - sources.consistency


class CrossEvaluation(Result):
    """Everything that the report of `rater-bias` says in numbers.

    Attributes:
        study: name of the study.
        target: the structure outlined.
        length_unit: unit of surface distances.
        load_unit: unit of loads.
        surface_tolerance: tolerance of the surface Dice, in the length unit.
        sources: the sources compared; each has a network.
        raters: those of them that are no consensus of others. Pairs, tests and all that is same or cross are theirs.
        case_ids: all cases considered.
        missing_cases: per source, the cases that it has not labelled; a network has an entry only if it lacks cases
            that its source has labelled.
        empty_cases: per label set, the cases whose mask is empty.
        rater_dice: by source, the Dice of its network against the raters, mean over raters, then over the cases that
            all raters have labelled; empty without a consensus.
        matrix: every metric of every pair of label sets (source-source, network-source, network-network).
        pairs: the raters two by two; two raters without a common case form none.
        same_dice: mean Dice of the raters' networks against their own rater, averaged per case, then over cases; as for
            the next two, over the cases that have both kinds of Dice (of one rater: over all its cases).
        cross_dice: mean Dice of the networks against the other raters; None where there is none.
        dice_gap: same minus cross, per case; bootstrap over subjects.
        two_sample_p: Student's t-test between all same-source and all cross-source Dice values, as the paper. These
            values are not independent (each case and each network gives several), so `paired_p` is the one to trust.
        paired_p: paired t-test over cases between their same-source and cross-source means; where subjects have several
            cases, trust the interval of `dice_gap`, which is taken over subjects.
    """

    study: str
    target: str
    length_unit: LengthUnit
    load_unit: LoadUnit
    surface_tolerance: float
    sources: tuple[str, ...]
    raters: tuple[str, ...]
    case_ids: tuple[str, ...]
    missing_cases: dict[str, tuple[str, ...]]
    empty_cases: dict[str, tuple[str, ...]]
    rater_dice: dict[str, Interval]
    matrix: tuple[MetricSummary, ...]
    pairs: tuple[SourcePair, ...]
    same_dice: Interval
    cross_dice: Interval | None
    dice_gap: Interval | None
    two_sample_p: float | None
    paired_p: float | None

    @property
    def consensus(self) -> tuple[str, ...]:
        """The sources that are a consensus of others."""
        return tuple(source for source in self.sources if source not in self.raters)
