"""What a cross-evaluation finds: the numbers behind the matrix, the loads and the tests."""

from pydantic import ConfigDict

from overread.settings import Settings
from overread.units import LengthUnit, LoadUnit

COMPARISON_COLUMNS = (
    "prediction",
    "reference",
    "case_id",
    "subject_id",
    "dice",
    "surface_dice",
    "hd95",
    "assd",
    "prediction_load",
    "reference_load",
)
"""Columns of the per-case table `comparisons.csv`: one row per pair of label sets and case.

`prediction` and `reference` are names of label sets; the held-out predictions of the network that was trained on source
`S` are the label set `network-S`. Distances are in the study's length unit (infinite where one mask is empty), loads in
its load unit.
"""


class _Result(Settings):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")


class Interval(_Result):
    """An estimate with its two-sided bootstrap interval; the bounds are NaN where there is a single subject."""

    estimate: float
    low: float
    high: float
    confidence: float = 0.95

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


class MetricSummary(_Result):
    """One metric of one pair of label sets over its cases.

    Attributes:
        prediction: name of a label set.
        reference: name of the label set it is compared with.
        metric: dice, surface_dice, hd95 or assd.
        mean: over `case_count` cases, None where there is none.
        std: sample standard deviation (N - 1) over the same cases, None for fewer than two.
        median: over the same cases.
        case_count: the cases that mean, std and median are taken over.
        infinite_count: the further cases that are left out because exactly one of the two masks is empty.
    """

    prediction: str
    reference: str
    metric: str
    mean: float | None
    std: float | None
    median: float | None
    case_count: int
    infinite_count: int


class LoadOrder(_Result):
    """In how many cases the load of the first label set lies below, at or above that of the second."""

    below: int
    equal: int
    above: int

    @property
    def case_count(self) -> int:
        """Number of cases compared."""
        return self.below + self.equal + self.above

    @property
    def consistency(self) -> float:
        """Share of cases in the more frequent order, in [0, 1]."""
        return max(self.below, self.above) / self.case_count if self.case_count else 0.0


class BlandAltman(_Result):
    """Agreement of loads, second minus first (Bland and Altman 1986): bias and 95 % limits, bias ± 1.96 std.

    Over a single case std and limits are NaN.
    """

    bias: float
    std: float
    lower_limit: float
    upper_limit: float
    case_count: int


class SourcePair(_Result):
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


class CrossEvaluation(_Result):
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


def name_network(source: str) -> str:
    """Name of the label set that holds the held-out predictions of the network trained on `source`."""
    return f"network-{source}"
