"""What the dashboard asks of Prometheus."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.manifests.rendered import MANIFESTS


def read_dashboard() -> dict[str, Any]:
    return dict(json.loads((MANIFESTS / "base" / "monitoring" / "dashboard.json").read_text(encoding="utf-8")))


def list_panels() -> list[dict[str, Any]]:
    """Panels without the titles of rows."""
    return [panel for panel in read_dashboard()["panels"] if panel["type"] != "row"]


def list_queries() -> Iterator[tuple[str, str, str]]:
    """Panel, expression and legend of each query."""
    for panel in list_panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"], target["legendFormat"]


def list_variables() -> Iterator[tuple[str, str, str]]:
    """Name, expression and label of each variable that Prometheus is asked for."""
    for variable in read_dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            assert found, variable["name"]
            yield variable["name"], found[1], found[2]


def fill_in(expression: str) -> str:
    """The expression as Grafana sends it."""
    return expression.replace("$__rate_interval", "5m").replace("$study", ".*").replace("$source", ".*")
