"""The dashboard is one that Grafana loads, and every panel says what it shows."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.rendered import render_overlay
from tests.monitoring.dashboard import fill_in, list_panels, list_queries, list_variables, read_dashboard
from tests.monitoring.promql import read_expression
from tests.monitoring.promtool import run_promtool
from tests.monitoring.rules import MONITORED


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(
        one[start] < other[start] + other[size] and other[start] < one[start] + one[size]
        for start, size in (("x", "w"), ("y", "h"))
    )


def write_queries(folder: Path, expressions: list[str]) -> Path:
    """The expressions as recording rules, which is how promtool reads them."""
    rules = [{"record": f"panel:query:{number}", "expr": fill_in(text)} for number, text in enumerate(expressions)]
    path = folder / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    return path


def test_the_sidecar_of_grafana_finds_it() -> None:
    item = render_overlay(MONITORED).named("ConfigMap", "overread-dashboard")
    assert item["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert {name: json.loads(text) for name, text in item["data"].items()} == {"overread.json": read_dashboard()}


def test_rows_follow_the_work() -> None:
    dashboard = read_dashboard()
    rows = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
    assert rows == ["Retraining", "Evaluation", "Training", "Relabelling", "Services"]
    assert (dashboard["uid"], dashboard["schemaVersion"]) == ("overread", 39)
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "study", "source"]


def test_every_panel_is_titled_described_and_has_a_unit() -> None:
    for panel in list_panels():
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]


def test_panels_are_apart_and_have_names_of_their_own() -> None:
    panels = read_dashboard()["panels"]
    for one, other in combinations(panels, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
        assert one["id"] != other["id"]
        assert one["title"] != other["title"]
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_a_choice_of_study_and_source_holds_for_all_that_have_them() -> None:
    for panel, expression, _ in list_queries():
        for selector in read_expression(expression).selectors:
            if selector.metric.startswith(("overread_", "overread:")):
                assert selector.matchers == {"study": "$study", "source": "$source"}, panel


def test_promtool_takes_every_query(tmp_path: Path) -> None:
    expressions = [text for _, text, _ in list_queries()] + [text for _, text, _ in list_variables()]
    assert f"{len(expressions)} rules found" in run_promtool("check", write_queries(tmp_path, expressions))


def test_promtool_refuses_a_broken_query(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="parse error"):
        run_promtool("check", write_queries(tmp_path, ["sum by study (overread_training_loss)"]))
