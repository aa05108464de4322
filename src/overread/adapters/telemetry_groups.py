"""Metrics that belong together: the grouping key of the Pushgateway, and the values that may be told under it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from overread.adapters.metric_catalogue import GROUP_LABELS, METRICS, GroupKind
from overread.errors import InputError


@dataclass(frozen=True)
class MetricGroup:
    """Metrics of one kind with the same labels; values of one group replace each other, and nothing else.

    Attributes:
        kind: which metrics.
        labels: their values, by the names in `GROUP_LABELS`; any text, the empty one too.

    Raises:
        InputError: a label is missing or unknown.
    """

    kind: GroupKind
    labels: Mapping[str, str]

    def __post_init__(self) -> None:
        if set(self.labels) != set(GROUP_LABELS[self.kind]):
            raise InputError(
                f"metrics of kind {self.kind} must have the labels {', '.join(GROUP_LABELS[self.kind])}",
                found=", ".join(self.labels) or "none",
            )

    @property
    def job(self) -> str:
        """What Prometheus knows the tasks of this kind by."""
        return name_job(self.kind)


def name_job(kind: GroupKind) -> str:
    """What Prometheus knows the tasks of a kind by."""
    return f"overread-{kind}"


def list_metrics(kind: GroupKind) -> list[str]:
    """Names of the metrics of a kind."""
    return [name for name, metric in METRICS.items() if metric.kind == kind]


def select_values(group: MetricGroup, values: Mapping[str, float]) -> dict[str, float]:
    """The values that can be told: NaN, which says that there is none, is left out.

    Raises:
        InputError: a name is no metric of the group's kind.
    """
    known = list_metrics(group.kind)
    if unknown := [name for name in values if name not in known]:
        raise InputError(
            f"a metric of kind {group.kind} must be in the catalogue",
            found=", ".join(unknown),
            hint=f"known: {', '.join(known)}",
        )
    return {name: float(value) for name, value in values.items() if not math.isnan(value)}
