"""What tasks push reaches a real Prometheus by a real Pushgateway, and fires and clears the alerts of the manifests."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from overread.adapters.storage import ResultStore, open_store
from overread.adapters.telemetry import MetricGroup, push_metrics
from tests.monitoring.prometheus_server import Prometheus, poll, running_prometheus
from tests.monitoring.rules import JOBS, write_rules
from tests.servers import LOOPBACK, find_free_ports, running_pushgateway

DAY_SECONDS = 86400.0
BEHIND_SINCE = "overread:champion_behind_since:timestamp_seconds"
SILENCE = "overread:training_silence:seconds"


@dataclass(frozen=True)
class Monitoring:
    """Prometheus with the rules, and the Pushgateway that it scrapes."""

    prometheus: Prometheus
    gateway_url: str


@pytest.fixture(scope="module")
def monitoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    """One for all tests, each with a study of its own; MLflow does not answer."""
    folder = tmp_path_factory.mktemp("prometheus")
    (closed,) = find_free_ports(1)
    with running_pushgateway() as url:
        scrape = {JOBS["pushgateway"]: url.removeprefix("http://"), JOBS["mlflow"]: f"{LOOPBACK}:{closed}"}
        with running_prometheus(folder, scrape, write_rules(folder)) as server:
            yield Monitoring(server, url)


@pytest.fixture
def prometheus(monitoring: Monitoring, monkeypatch: pytest.MonkeyPatch) -> Prometheus:
    monkeypatch.setenv("PUSHGATEWAY_URL", monitoring.gateway_url)
    return monitoring.prometheus


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return open_store(str(tmp_path / "store"))


def push(store: ResultStore, study: str, source: str, **values: float) -> None:
    group = MetricGroup("retraining", {"study": study, "source": source})
    push_metrics(store, group, {f"overread_retraining_{name}": value for name, value in values.items()})


def test_alerts_fire_on_what_was_pushed_and_clear_with_the_next_push(
    prometheus: Prometheus, store: ResultStore
) -> None:
    def firing() -> set[tuple[str, str]]:
        alerts = [alert for alert in prometheus.alerts() if alert.labels.get("study") == "refused"]
        return {(alert.name, alert.labels["source"]) for alert in alerts if alert.state == "firing"}

    now = time.time()
    push(store, "refused", "a+b", last_refusal_timestamp_seconds=now, last_success_timestamp_seconds=now, verdict=-1)
    push(store, "refused", "c", hold_timestamp_seconds=now, last_success_timestamp_seconds=now, verdict=0)
    push(store, "refused", "rater/2", last_success_timestamp_seconds=now - 3 * DAY_SECONDS)
    wanted = {
        ("OverreadChallengerRefused", "a+b"),
        ("OverreadChallengerOnHold", "c"),
        ("OverreadRetrainingOverdue", "rater/2"),
    }
    poll(firing, lambda found: found == wanted)
    (alert,) = [alert for alert in prometheus.alerts() if alert.name == "OverreadChallengerRefused"]
    assert alert.labels["job"] == "overread-retraining"
    assert alert.annotations["summary"] == "The newest challenger of refused on a+b was refused"
    push(store, "refused", "a+b", last_promotion_timestamp_seconds=now + 1)
    push(store, "refused", "c", hold_timestamp_seconds=0)
    push(store, "refused", "rater/2", last_success_timestamp_seconds=now)
    poll(firing, lambda found: not found)


def test_targets_carry_the_jobs_that_rules_and_dashboard_name(prometheus: Prometheus) -> None:
    wanted = {JOBS["pushgateway"]: 1.0, JOBS["mlflow"]: 0.0}
    poll(lambda: {sample.labels["job"]: sample.value for sample in prometheus.query("up")}, wanted.__eq__)
    unwell = [("OverreadMlflowDown", "pending")]
    poll(lambda: [(item.name, item.state) for item in prometheus.alerts() if item.name.endswith("Down")], unwell.__eq__)


def test_a_training_that_runs_is_silent_since_its_last_epoch(prometheus: Prometheus, store: ResultStore) -> None:
    labels = {"pipeline": "p", "study": "trained", "source": "rater1", "network": "unet", "kind": "segmentation"}
    group = MetricGroup("training", labels)
    began = time.time() - 600
    push_metrics(store, group, {"overread_training_running": 1, "overread_training_progress_timestamp_seconds": began})
    (sample,) = poll(lambda: prometheus.query(SILENCE), bool)
    assert 600 <= sample.value < 630
    assert group.labels.items() <= sample.labels.items()
    push_metrics(store, group, {"overread_training_running": 0})
    poll(lambda: prometheus.query(SILENCE), lambda found: not found)


def test_labels_wait_since_the_push_that_first_told_of_them(prometheus: Prometheus, store: ResultStore) -> None:
    push(store, "behind", "rater1", revisions_behind=2)
    (first,) = poll(lambda: prometheus.query(BEHIND_SINCE), bool)
    assert abs(first.value - time.time()) < 30
    push(store, "behind", "rater1", revisions_behind=3)
    poll(lambda: prometheus.query('overread_retraining_revisions_behind{study="behind"} == 3'), bool)
    read = time.time()
    poll(lambda: prometheus.query(f"timestamp({BEHIND_SINCE}) > {read}"), bool)
    assert [sample.value for sample in prometheus.query(BEHIND_SINCE)] == [first.value]
    push(store, "behind", "rater1", revisions_behind=0)
    poll(lambda: prometheus.query(BEHIND_SINCE), lambda found: not found)
