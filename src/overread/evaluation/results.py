"""What a cross-evaluation finds: the numbers behind the matrix, the loads and the tests."""

from pydantic import ConfigDict

from overread.settings import Settings
from overread.types import LengthUnit, LoadUnit

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
    """An estimate with its two-sided bootstrap interval."""

    estimate: float
    low: float
    high: float
    confidence: float = 0.95

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0."""
        return self.low > 0 or self.high < 0


class MetricSummary(_Result):
    """One metric of one pair of label sets over its cases."""

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
    """Agreement of loads, second minus first (Bland and Altman 1986): bias and 95 % limits, bias ± 1.96 std."""

    bias: float
    std: float
    lower_limit: float
    upper_limit: float
    case_count: int


class SourcePair(_Result):
    """Two sources and the two networks trained on them."""

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
    """Same-source minus cross-source Dice of both networks, per case, bootstrap over subjects."""
    two_sample_p: float | None
    paired_p: float | None
    paired_p_holm: float | None


class CrossEvaluation(_Result):
    """Everything that the report of `rater-bias` says in numbers.

    Attributes:
        study: name of the study.
        target: the structure outlined.
        length_unit: unit of surface distances.
        load_unit: unit of loads.
        surface_tolerance: tolerance of the surface Dice, in the length unit.
        sources: the sources compared; each has a network.
        case_ids: all cases considered.
        missing_cases: per source, the cases that it has not labelled.
        empty_cases: per label set, the cases whose mask is empty.
        matrix: every metric of every pair of label sets (source-source, network-source, network-network).
        pairs: the sources two by two.
        same_dice: mean Dice of the networks against their own source.
        cross_dice: mean Dice of the networks against the other sources.
        dice_gap: same minus cross, per case; bootstrap over subjects.
        two_sample_p: Student's t-test between all same-source and all cross-source Dice values, as the paper.
        paired_p: paired t-test over cases.
    """

    study: str
    target: str
    length_unit: LengthUnit
    load_unit: LoadUnit
    surface_tolerance: float
    sources: tuple[str, ...]
    case_ids: tuple[str, ...]
    missing_cases: dict[str, tuple[str, ...]]
    empty_cases: dict[str, tuple[str, ...]]
    matrix: tuple[MetricSummary, ...]
    pairs: tuple[SourcePair, ...]
    same_dice: Interval
    cross_dice: Interval | None
    dice_gap: Interval | None
    two_sample_p: float | None
    paired_p: float | None


def name_network(source: str) -> str:
    """Name of the label set that holds the held-out predictions of the network trained on `source`."""
    return f"network-{source}"
