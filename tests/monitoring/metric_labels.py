"""Which labels each metric has, and whether expressions use metrics and labels that exist."""

import re
from collections.abc import Iterable, Mapping

from overread.adapters.telemetry import GROUP_LABELS, METRICS
from tests.monitoring.promql import Expression, Selector, read_expression

_OF_EVERY_TARGET = frozenset({"job", "namespace"})
_OTHERS = {
    "up": frozenset({"instance"}),
    "ALERTS": frozenset({"alertname", "alertstate", "severity"}),
    "mlflow_http_request_total": frozenset({"instance", "method", "status"}),
    "mlflow_http_request_duration_seconds_bucket": frozenset({"instance", "le", "method", "mlflow_version", "status"}),
}
"""Metrics that Prometheus and MLflow bring."""


def check_expression(text: str, recorded: Mapping[str, str], *, shown: Iterable[str] = ()) -> list[str]:
    """Problems of an expression.

    Args:
        text: PromQL.
        recorded: expression of each recorded series.
        shown: labels that a legend or an annotation reads from the result.
    """
    expression, problems = read_expression(text), []
    for selector in expression.selectors:
        if not _is_known(selector.metric, recorded):
            problems.append(f"{selector.metric} is neither exported nor recorded")
        else:
            strange = set(selector.matchers) - labels_of(selector, recorded)
            problems += [f"{selector.metric} has no label {label}" for label in sorted(strange)]
    if problems:
        return problems
    held = shared_labels(expression, recorded)
    problems += [f"no label {label} to group by in {text}" for label in sorted(expression.groupings - held)]
    left = expression.groupings or held
    return problems + [f"the result has no label {label}: {text}" for label in sorted(set(shown) - left)]


def labels_of(selector: Selector, recorded: Mapping[str, str]) -> frozenset[str]:
    """Labels of a metric; those of `push_time_seconds` depend on its job."""
    name = selector.metric
    if name in recorded:
        return shared_labels(read_expression(recorded[name]), recorded, without=name)
    if name in METRICS:
        return _OF_EVERY_TARGET | set(GROUP_LABELS[METRICS[name].kind])
    if name == "push_time_seconds":
        job = selector.matchers.get("job", "")
        groups = [set(labels) for kind, labels in GROUP_LABELS.items() if job == f"overread-{kind}"]
        return _OF_EVERY_TARGET | set.intersection(*(groups or map(set, GROUP_LABELS.values())))
    return _OF_EVERY_TARGET | _OTHERS[name]


def shared_labels(expression: Expression, recorded: Mapping[str, str], *, without: str = "") -> frozenset[str]:
    """Labels that all metrics of an expression have; one without any, such as a constant, leaves those of the rest."""
    sets = [labels_of(selector, recorded) for selector in expression.selectors if selector.metric != without]
    return frozenset.intersection(*filter(None, sets)) if any(sets) else frozenset()


def find_unused(texts: Iterable[str], recorded: Mapping[str, str]) -> set[str]:
    """Exported metrics and recorded series that no expression reads; a series that reads only itself is unused."""
    used = {selector.metric for text in texts for selector in read_expression(text).selectors}
    for name, text in recorded.items():
        used |= {selector.metric for selector in read_expression(text).selectors} - {name}
    return {*METRICS, *recorded} - used


def read_placeholders(text: str) -> set[str]:
    """Labels that a template names: `{{label}}` of a legend, `{{ $labels.label }}` of an annotation."""
    return set(re.findall(r"\{\{\s*(?:\$labels\.)?([a-z_]+)\s*\}\}", text))


def _is_known(name: str, recorded: Mapping[str, str]) -> bool:
    return name in METRICS or name in recorded or name in _OTHERS or name == "push_time_seconds"
