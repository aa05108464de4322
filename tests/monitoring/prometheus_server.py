"""A real Prometheus that scrapes what a test names and evaluates the rules that it is given."""

import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
import yaml

from tests.servers import LOOPBACK, find_free_ports, find_program, running

T = TypeVar("T")


@dataclass(frozen=True)
class Alert:
    """An alert that is pending or fires."""

    name: str
    state: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True)
class Sample:
    """A series and its value."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str

    def alerts(self) -> list[Alert]:
        found = self._ask("alerts")["alerts"]
        return [
            Alert(item["labels"]["alertname"], item["state"], item["labels"], item["annotations"]) for item in found
        ]

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        return {alert.name for alert in self.alerts() if alert.state == "firing"}

    def query(self, expression: str) -> list[Sample]:
        """The value of an expression now, series by series; the expression must give a vector."""
        found = self._ask("query?" + urllib.parse.urlencode({"query": expression}))["result"]
        return [Sample(item["metric"], float(item["value"][1])) for item in found]

    def _ask(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]


@contextmanager
def running_prometheus(
    folder: Path,
    scrape: Mapping[str, str],
    rules_file: Path,
    *,
    scrape_interval: str = "200ms",
    evaluation_interval: str = "200ms",
) -> Iterator[Prometheus]:
    """Run Prometheus on a free port of this machine; it begins to scrape five seconds later.

    Args:
        folder: empty folder for its settings, data and log.
        scrape: `host:port` of each job; labels that are pushed are kept, as by the ServiceMonitor of the Pushgateway.
        rules_file: see `tests.monitoring.rules.write_rules`.
        scrape_interval: time between two readings of a job.
        evaluation_interval: time between two evaluations of the rules.
    """
    settings = {
        "global": {
            "scrape_interval": scrape_interval,
            "scrape_timeout": scrape_interval,
            "evaluation_interval": evaluation_interval,
        },
        "rule_files": [str(rules_file.resolve())],
        "scrape_configs": [
            {"job_name": job, "honor_labels": True, "static_configs": [{"targets": [target]}]}
            for job, target in scrape.items()
        ],
    }
    file = folder / "prometheus.yaml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    (port,) = find_free_ports(1)
    url = f"http://{LOOPBACK}:{port}"
    command = [
        find_program("prometheus", "prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={LOOPBACK}:{port}",
        "--log.level=warn",
    ]
    with running(command, log=folder / "prometheus.log", environment=os.environ, ready_url=f"{url}/-/ready"):
        yield Prometheus(url)


def poll(ask: Callable[[], T], accept: Callable[[T], bool], *, seconds: float = 30) -> T:
    """Ask until the answer is accepted, and return it."""
    deadline = time.monotonic() + seconds
    while not accept(answer := ask()):
        if time.monotonic() > deadline:
            pytest.fail(f"after {seconds} s the answer still is {answer!r}")
        time.sleep(0.05)
    return answer
