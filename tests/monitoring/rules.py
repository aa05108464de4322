"""The rules of the PrometheusRule."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.manifests.rendered import MANIFESTS, render_overlay

MONITORED = "local-monitored"
JOBS = {"pushgateway": "overread-pushgateway", "mlflow": "overread-mlflow"}
"""Job label of each scraped service."""


@cache
def read_rules() -> list[dict[str, Any]]:
    """All rules, as they are written."""
    text = (MANIFESTS / "base" / "monitoring" / "rules.yaml").read_text(encoding="utf-8")
    return [rule for group in yaml.safe_load(text)["spec"]["groups"] for rule in group["rules"]]


def read_alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in read_rules() if "alert" in rule}


def read_recorded() -> dict[str, str]:
    """Name and expression of each recorded series."""
    return {rule["record"]: rule["expr"] for rule in read_rules() if "record" in rule}


def write_rules(folder: Path) -> Path:
    """Write the rules of the rendered overlay as a file that promtool and Prometheus read, `rules.yaml`."""
    path = folder / "rules.yaml"
    spec = render_overlay(MONITORED).named("PrometheusRule", "overread")["spec"]
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return path
