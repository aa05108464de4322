"""Rules are valid, each is tried by promtool, and each alert says what to do."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.manifests.rendered import MANIFESTS, render_overlay
from tests.monitoring.promtool import run_promtool
from tests.monitoring.rules import JOBS, MONITORED, read_alerts, read_recorded, read_rules, write_rules

FOLDER = Path(__file__).parent
RULE_TESTS = tuple(sorted(path.name for path in FOLDER.glob("*.yaml")))
GUIDE = MANIFESTS.parent / "docs" / "monitoring.md"


def read_cases(kind: str) -> list[dict[str, Any]]:
    """All cases of a kind, `alert_rule_test` or `promql_expr_test`, of all rule tests."""
    files = [yaml.safe_load((FOLDER / name).read_text(encoding="utf-8")) for name in RULE_TESTS]
    return [case for file in files for test in file["tests"] for case in test.get(kind, ())]


def read_paragraphs() -> dict[str, str]:
    """The text below each heading of the third level of the guide."""
    sections = GUIDE.read_text(encoding="utf-8").split("\n### ")[1:]
    return {name: text.split("\n#")[0].strip() for name, _, text in (section.partition("\n") for section in sections)}


def test_promtool_takes_the_rules(tmp_path: Path) -> None:
    assert f"{len(read_rules())} rules found" in run_promtool("check", write_rules(tmp_path))


@pytest.mark.parametrize("name", RULE_TESTS)
def test_rules_tell_what_they_should(name: str, tmp_path: Path) -> None:
    write_rules(tmp_path)
    shutil.copy(FOLDER / name, tmp_path)
    assert "SUCCESS" in run_promtool("test", tmp_path / name)


def test_a_rule_test_that_expects_another_minute_fails(tmp_path: Path) -> None:
    write_rules(tmp_path)
    text = (FOLDER / "services.yaml").read_text(encoding="utf-8")
    assert text.count("eval_time: 10m") == 1
    (tmp_path / "services.yaml").write_text(text.replace("eval_time: 10m", "eval_time: 9m"), encoding="utf-8")
    with pytest.raises(AssertionError, match="OverreadPushgatewayDown, time: 9m"):
        run_promtool("test", tmp_path / "services.yaml")


def test_every_alert_is_tested_firing_and_silent() -> None:
    cases = read_cases("alert_rule_test")
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(read_alerts())
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == set(read_alerts())


def test_the_value_of_every_recorded_series_is_tested() -> None:
    with_values = " ".join(case["expr"] for case in read_cases("promql_expr_test") if case["exp_samples"])
    assert [name for name in read_recorded() if name not in with_values] == []


@pytest.mark.parametrize("name", sorted(read_alerts()))
def test_an_alert_says_how_grave_it_is_and_what_to_do(name: str) -> None:
    rule, paragraph = read_alerts()[name], read_paragraphs()[name]
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{name.lower()}"
    assert len(rule["annotations"]["description"].split()) >= 15
    assert len(paragraph.split()) >= 30


def test_the_guide_describes_no_alert_that_is_gone() -> None:
    assert {name for name in read_paragraphs() if name.startswith("Overread")} == set(read_alerts())


def test_the_period_of_the_schedule_is_named_once() -> None:
    rules = (MANIFESTS / "base" / "monitoring" / "rules.yaml").read_text(encoding="utf-8")
    assert rules.count("86400") == 1


def test_services_are_scraped_under_the_jobs_that_rules_name() -> None:
    monitors = render_overlay(MONITORED).of_kind("ServiceMonitor")
    jobs = {
        monitor["metadata"]["name"]: relabeling["replacement"]
        for monitor in monitors
        for relabeling in monitor["spec"]["endpoints"][0]["relabelings"]
        if relabeling.get("targetLabel") == "job"
    }
    assert jobs == JOBS
    watched = " ".join(rule["expr"] for rule in read_alerts().values())
    assert all(f'up{{job="{job}"}}' in watched for job in JOBS.values())


def test_the_job_that_a_task_has_pushed_is_kept() -> None:
    (endpoint,) = render_overlay(MONITORED).named("ServiceMonitor", "pushgateway")["spec"]["endpoints"]
    assert endpoint["honorLabels"] is True
