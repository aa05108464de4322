"""Source classifiers and acquisition probes: tracked, told of, killed and asked for twice, as networks are."""

import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from overread.adapters import pushgateway
from overread.adapters.storage import open_store
from overread.adapters.telemetry import list_metrics
from overread.runs.described_training import EPOCHS_FILE, TrainingRecord
from overread.runs.pipeline_run import RunIdentity, connect, open_pipeline_run
from tests.conftest import REPOSITORY
from tests.question_trainings import ALL, QuestionTrainings
from tests.servers import LOOPBACK, find_free_ports, running_pushgateway

EPOCHS = 3
_PATIENCE_SECONDS = 180
_POLL_SECONDS = 0.005


@pytest.fixture(params=ALL, ids=lambda kind: kind.kind)
def kind(request: pytest.FixtureRequest) -> QuestionTrainings:
    found: QuestionTrainings = request.param
    return found


@pytest.fixture
def root(empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with MLflow's database."""
    shutil.copy(empty_mlflow, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    pushgateway._connect.cache_clear()
    return tmp_path


def read_record(root: Path, folder: str) -> TrainingRecord:
    return TrainingRecord.read(root / "found" / folder / EPOCHS_FILE)


def list_runs(root: Path, plan: RunIdentity) -> tuple[Any, dict[str, Any]]:
    """MLflow's client and the runs of trainings by their names, each of which there is once; deleted ones count."""
    from mlflow.entities import ViewType

    tracker = connect(plan, str(root / "store"))
    runs = tracker.client.search_runs([tracker.experiment_id], "tags.fold != ''", ViewType.ALL)
    by_name = {run.data.tags["mlflow.runName"]: run for run in runs}
    assert len(by_name) == len(runs)
    return tracker.client, by_name


def assert_tracked_once(root: Path, plan: RunIdentity, kind: QuestionTrainings, *, epochs: int = EPOCHS) -> None:
    """Each training has one run, finished, with every epoch once."""
    client, runs = list_runs(root, plan)
    assert set(runs) == set(kind.names.values())
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    for folder, name in kind.names.items():
        record, run_id = read_record(root, folder), runs[name].info.run_id
        assert list(record.epochs) == list(range(1, epochs + 1))
        for figure in ("loss", "learning_rate", "validation_loss"):
            points = [(point.step, point.value) for point in client.get_metric_history(run_id, figure)]
            assert sorted(points) == [(epoch, figures[figure]) for epoch, figures in record.epochs.items()]
        assert record.figures.items() <= runs[name].data.metrics.items()


def start(kind: QuestionTrainings, root: Path, output: str) -> "subprocess.Popen[str]":
    """Run the step in a process of its own."""
    command = [sys.executable, "-m", "tests.question_trainings", kind.kind, str(root), output]
    return subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, "the step ended too soon"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(_POLL_SECONDS)


def read_until(process: "subprocess.Popen[str]", text: str) -> str:
    """What a step shows, up to a line that holds a text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    pytest.fail(f"the step ended without {text!r}")


class TestTracking:
    def test_every_training_is_a_run_below_that_of_the_pipeline_and_reuse_adds_none(
        self, kind: QuestionTrainings, root: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        plan = kind.prepare(root, epochs=EPOCHS, study="tracked")
        with open_pipeline_run(connect(plan, str(root / "store")), plan) as parent:
            kind.run(root, "found")
        assert_tracked_once(root, plan, kind)
        before = list_runs(root, plan)[1]
        kind.run(root, "again")
        shown = capsys.readouterr().out
        assert [shown.count(f"{name}: reused") for name in kind.names.values()] == [1] * len(kind.names)
        after = list_runs(root, plan)[1]
        for folder, name in kind.names.items():
            assert after[name].to_dictionary() == before[name].to_dictionary()
            tags, params, metrics = after[name].data.tags, after[name].data.params, after[name].data.metrics
            assert tags["mlflow.parentRunId"] == parent.run_id
            assert (tags["kind"], tags["source"], tags["device"]) == (kind.kind, kind.source, "cpu")
            fold = folder.partition("fold")[2][0]
            assert (tags["fold"], params["fold"], params["preset"]) == (fold, fold, plan.preset_name)
            assert params["epochs"] == str(EPOCHS)
            assert metrics["duration_seconds"] > 0
            kept = read_record(root, folder).epochs[int(metrics["kept_epoch"])]
            assert metrics["kept_validation_loss"] == kept["validation_loss"]

    def test_probes_are_compared_by_what_they_see_by_their_classes_and_by_their_seeds(self, root: Path) -> None:
        probes = ALL[1]
        plan = probes.prepare(root, epochs=1, study="seen")
        probes.run(root, "found")
        runs = list_runs(root, plan)[1].values()
        names = ("region", "shuffle", "seed")
        found = {run.data.tags["mlflow.runName"]: tuple(run.data.params[name] for name in names) for run in runs}
        assert found == {
            "probe-body-fold0": ("body", "0", "0"),
            "probe-body-fold1": ("body", "0", "1"),
            "probe-whole-fold0-shuffle1": ("whole", "1", "0"),
            "probe-whole-fold1-shuffle1": ("whole", "1", "1"),
        }


class TestTelemetry:
    def test_the_group_of_a_kind_tells_its_figures_and_that_it_has_ended(
        self, kind: QuestionTrainings, root: Path, pushgateway_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PUSHGATEWAY_URL", pushgateway_url)
        plan = kind.prepare(root, epochs=EPOCHS, study=f"told of {kind.kind}")
        kind.run(root, "found")
        values = scrape(pushgateway_url, plan.study, kind)
        last = read_record(root, list(kind.names)[-1])
        told = {"running": 0, "epochs": EPOCHS, "planned_epochs": EPOCHS}
        told |= {name: last.epochs[EPOCHS][name] for name in ("loss", "validation_loss")}
        told["duration_seconds"] = last.figures["duration_seconds"]
        if kind.kind == "source-classifier":
            told["validation_hit_rate_ratio"] = last.epochs[EPOCHS]["validation_hit_rate"]
        assert values.pop("progress_timestamp_seconds") == pytest.approx(time.time(), abs=60)
        assert values == pytest.approx(told)


def scrape(url: str, study: str, kind: QuestionTrainings) -> dict[str, float]:
    """What the Pushgateway shows Prometheus of a study, which has one group."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    samples = [sample for family in families for sample in family.samples if sample.labels.get("study") == study]
    assert {(sample.labels["kind"], sample.labels["source"]) for sample in samples} == {(kind.kind, kind.source)}
    names = list_metrics("training")
    return {item.name.removeprefix("overread_training_"): item.value for item in samples if item.name in names}


class TestOutage:
    def test_of_mlflow_and_pushgateway_fails_no_training_and_is_made_up_for(
        self, kind: QuestionTrainings, root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        plan = kind.prepare(root, epochs=EPOCHS, study="outage")
        mlflow, gateway = find_free_ports(2)
        monkeypatch.setenv("PUSHGATEWAY_URL", f"http://{LOOPBACK}:{gateway}")
        with monkeypatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", f"http://{LOOPBACK}:{mlflow}")
            patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
            kind.run(root, "found")
        assert "training goes on untracked" in caplog.text
        assert len(open_store(str(root / "store")).list_keys(kind.kept)) == len(kind.names)
        assert list_runs(root, plan)[1] == {}

        with running_pushgateway(gateway) as url:
            kind.run(root, "found")
            assert scrape(url, plan.study, kind)["epochs"] == EPOCHS
        assert_tracked_once(root, plan, kind)


class TestKilledTraining:
    def test_goes_on_in_the_same_run_and_ends_as_if_it_had_not_been_killed(
        self, kind: QuestionTrainings, root: Path
    ) -> None:
        epochs = 12
        plan = kind.prepare(root, epochs=epochs, study="killed")
        store = root / "store" / kind.kept
        with start(kind, root, "found") as first:
            wait_until(lambda: any(store.glob("*/files/checkpoint.pt")), first)
            first.send_signal(signal.SIGKILL)
        assert not list(store.glob("*/manifest.json")), "it was killed too late"
        (interrupted,) = list_runs(root, plan)[1].values()

        kind.run(root, "found")
        assert_tracked_once(root, plan, kind, epochs=epochs)
        again = list_runs(root, plan)[1][interrupted.data.tags["mlflow.runName"]]
        assert again.info.run_id == interrupted.info.run_id
        assert not list(store.glob("*/files/checkpoint.pt")), "a finished training needs no checkpoint"

        (root / "store").rename(root / "first-store")
        kind.run(root, "whole")
        for folder in kind.names:
            for name in kind.files:
                assert (root / "found" / folder / name).read_bytes() == (root / "whole" / folder / name).read_bytes()


class TestTrainingThatTwoRunsAskFor:
    def test_is_done_once(self, kind: QuestionTrainings, root: Path) -> None:
        """The first run halts in its first training until the second one waits for it; then each training is done."""
        plan = kind.prepare(root, epochs=EPOCHS, study="asked for twice")
        store = root / "store" / kind.kept
        with start(kind, root, "found") as first:
            wait_until(lambda: any(store.glob("*/files/checkpoint.pt")), first)
            first.send_signal(signal.SIGSTOP)
            with start(kind, root, "other") as second:
                shown = read_until(second, "waits for another run that trains it")
                first.send_signal(signal.SIGCONT)
                shown += "".join(process.communicate(timeout=_PATIENCE_SECONDS)[0] for process in (second, first))
        assert (first.returncode, second.returncode) == (0, 0)
        for name in kind.names.values():
            assert shown.count(f"{name}: reused") == 1
        assert_tracked_once(root, plan, kind)
