"""What comparisons of label sets find: an estimate with its interval, a metric over cases, loads in order."""

import math
from typing import Literal, Self, TypeAlias

from overread.records import Result

METRICS = ("dice", "surface_dice", "hd95", "assd")
"""Those of `CaseMetrics`, in the order of the tables."""

COMPARISON_COLUMNS = (
    "prediction",
    "reference",
    "case_id",
    "subject_id",
    *METRICS,
    "prediction_load",
    "reference_load",
)
"""Columns of the per-case table `comparisons.csv`: one row per pair of label sets and case.

`prediction` and `reference` are names of label sets; the held-out predictions of the network that was trained on source
`S` are the label set `network-S`. Distances are in the study's length unit (infinite where one mask is empty), loads in
its load unit.
"""


Obstacle: TypeAlias = Literal["", "few subjects", "few trainings", "many folds"]
"""Why an estimate has no valid interval; empty where it has one."""


class Interval(Result):
    """An estimate with its two-sided interval; the bounds are NaN where the spread is unknown.

    By itself it is descriptive: a bootstrap over subjects, which leaves out the luck of training. `Estimate` is the one
    that a verdict may rest on.
    """

    estimate: float
    low: float
    high: float
    confidence: float = 0.95

    @property
    def excludes_zero(self) -> bool:
        """Whether the whole interval lies on one side of 0."""
        return self.low > 0 or self.high < 0

    def clip(self, lowest: float, highest: float) -> Self:
        """The same with bounds that the quantity can reach; unknown bounds stay so."""
        return self.model_copy(update={"low": max(self.low, lowest), "high": min(self.high, highest)})


class Estimate(Interval):
    """A mean over subjects with an interval that allows for the subjects held out and for the luck of training.

    Attributes:
        standard_error: of the estimate; NaN where there is no valid interval, as for the next two.
        degrees_of_freedom: of Student's t (Satterthwaite's approximation).
        smallest_detectable: true value that about three of four studies of this design find different from 0.
        p_value: two-sided, of a true value of 0; None where there is no valid interval.
        subject_count: subjects that are held out.
        fold_count: rounds of the cross-validation.
        repeat_count: trainings per round, of the round that has fewest.
        run_std: standard deviation of a round's mean from one training to the next; None where all were trained once.
        obstacle: why there is no valid interval.
    """

    standard_error: float
    degrees_of_freedom: float
    smallest_detectable: float
    p_value: float | None
    subject_count: int
    fold_count: int
    repeat_count: int
    run_std: float | None = None
    obstacle: Obstacle = ""

    @property
    def is_valid(self) -> bool:
        """Whether the interval may be read as one."""
        return not self.obstacle and math.isfinite(self.standard_error)

    @property
    def is_trained_once(self) -> bool:
        """Whether a round had a single training, so that the interval is wide."""
        return self.repeat_count < 2

    def scale(self, factor: float) -> Self:
        """The same estimate in another unit, or with its sign turned; p and degrees of freedom stay.

        Args:
            factor: other than 0.
        """
        low, high = sorted((factor * self.low, factor * self.high))
        size = abs(factor)
        changes = {
            "estimate": factor * self.estimate,
            "low": low,
            "high": high,
            "standard_error": size * self.standard_error,
            "smallest_detectable": size * self.smallest_detectable,
            "run_std": None if self.run_std is None else size * self.run_std,
        }
        return self.model_copy(update=changes)


class MetricSummary(Result):
    """One metric of one pair of label sets over its cases.

    Attributes:
        prediction: name of a label set.
        reference: name of the label set it is compared with.
        metric: one of METRICS.
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


class LoadOrder(Result):
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


class BlandAltman(Result):
    """Agreement of loads, second minus first (Bland and Altman 1986): bias and 95 % limits, bias ± 1.96 std.

    Over a single case std and limits are NaN.
    """

    bias: float
    std: float
    lower_limit: float
    upper_limit: float
    case_count: int


def name_network(source: str) -> str:
    """Name of the label set that holds the held-out predictions of the network trained on `source`."""
    return f"network-{source}"
