"""MLflow tracking: on SQLite, and on a real server with PostgreSQL and S3."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from overread.adapters.storage import ResultStore, open_store
from overread.adapters.tracking import RunTags, Tracker, TrackingOutageError, connect_tracker
from overread.errors import TrackingError

_OPEN_RUN = """
import sys
from pathlib import Path
from overread.adapters.storage import open_store
from overread.adapters.tracking import RunTags, connect_tracker
folder = Path(sys.argv[1])
tracker = connect_tracker("shared", store=open_store(str(folder / "store")), workspace=folder / "workspace")
with tracker.open_run("a", fingerprint="f", tags=RunTags()) as run:
    run.log_metrics({"dice": 0.5})
print(run.run_id)
"""

SOON_SECONDS = 60
"""Much more than is needed on a busy machine, and much less than a client that tries again and again takes."""
TAGS = RunTags(
    pipeline="rater-bias", preset="demo", source="alpha", fold=0, repeat=1, network="unet", study_digest="ab" * 32
)


@dataclass(frozen=True)
class SharedWorkspace:
    folder: Path
    run_ids: tuple[str, ...]
    return_codes: tuple[int, ...]


class Cable(Protocol):
    """The way to the server, see conftest.py."""

    url: str

    def cut(self) -> None: ...

    def mend(self) -> None: ...


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> SharedWorkspace:
    """A workspace that two processes made at the same time, for making one takes seconds."""
    folder = tmp_path_factory.mktemp("shared")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    command = [sys.executable, "-c", _OPEN_RUN, str(folder)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    run_ids = tuple(process.communicate(timeout=120)[0].strip() for process in both)
    return SharedWorkspace(folder / "workspace", run_ids, tuple(process.returncode for process in both))


@pytest.fixture
def workspace(shared: SharedWorkspace, tmp_path: Path) -> Path:
    shutil.copytree(shared.folder, tmp_path / "workspace")
    return tmp_path / "workspace"


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return open_store(str(tmp_path / "store"))


@pytest.fixture(params=["sqlite", "server"])
def tracker(request: pytest.FixtureRequest, store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> Tracker:
    study = f"study-{uuid.uuid4().hex}"
    if request.param == "sqlite":
        return connect_tracker(study, store=store, workspace=request.getfixturevalue("workspace"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("mlflow_url"))
    return connect_tracker(study, store=store)


@pytest.fixture
def local(store: ResultStore, workspace: Path) -> Tracker:
    return connect_tracker("tiny", store=store, workspace=workspace)


def read_history(tracker: Tracker, run_id: str, metric: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in tracker.client.get_metric_history(run_id, metric)]


def train_until_it_fails(tracker: Tracker) -> str:
    with suppress(ZeroDivisionError), tracker.open_run("a", fingerprint="f1", tags=TAGS) as run:
        for epoch in (1, 2):
            run.log_metrics({"loss": epoch / 2}, step=epoch)
        raise ZeroDivisionError
    return run.run_id


class TestRun:
    def test_a_training_is_logged_with_all_that_belongs_to_it(self, tracker: Tracker, tmp_path: Path) -> None:
        weights, table = tmp_path / "weights.safetensors", tmp_path / "cases.csv"
        weights.write_bytes(bytes(range(256)))
        table.write_text("case_id,dice\nc1,0.5\n")
        with tracker.open_run("alpha-fold0", fingerprint="f0", tags=TAGS) as run:
            run.log_settings({"learning_rate": 0.01, "patch_size": (64, 64)})
            run.log_study("tiny", digest="cd" * 32, revision="1234", uri="https://ada:secret@example.org/tiny.git")
            for epoch in (1, 2, 3):
                run.log_metrics({"loss": 1 / epoch, "validation_dice": 0.25 * epoch}, step=epoch)
            run.log_metrics({"dice": 0.75})
            run.log_network(weights, {"channels": [16, 32]})
            run.log_file(table, "tables")

        found = tracker.client.get_run(run.run_id)
        assert found.info.status == "FINISHED"
        assert found.info.run_name == "alpha-fold0"
        assert found.data.params == {"learning_rate": "0.01", "patch_size": "(64, 64)"}
        assert TAGS.to_text().items() <= found.data.tags.items()
        assert found.data.tags["fold"] == "0"
        assert "git_commit" not in found.data.tags
        assert read_history(tracker, run.run_id, "validation_dice") == [(1, 0.25), (2, 0.5), (3, 0.75)]
        assert found.data.metrics["dice"] == 0.75
        (study,) = found.inputs.dataset_inputs
        assert (study.dataset.name, study.dataset.digest) == ("tiny", ("cd" * 32)[:36])
        assert json.loads(study.dataset.source) == {
            "uri": "https://example.org/tiny.git",
            "revision": "1234",
            "sha256": "cd" * 32,
        }
        folder = tracker.download_file(run.run_id, "network", tmp_path / "downloaded")
        assert (folder / "weights.safetensors").read_bytes() == weights.read_bytes()
        assert json.loads((folder / "network.json").read_text()) == {"channels": [16, 32]}
        assert (
            tracker.download_file(run.run_id, "tables/cases.csv", tmp_path / "downloaded")
            .read_text()
            .startswith("case")
        )

    def test_a_resumed_training_goes_on_in_the_same_run_without_double_points(self, tracker: Tracker) -> None:
        first = train_until_it_fails(tracker)
        assert tracker.client.get_run(first).info.status == "FAILED"

        with tracker.open_run("a", fingerprint="f1", tags=TAGS) as run:
            assert tracker.client.get_run(first).info.status == "RUNNING"
            for epoch in (1, 2, 3):
                run.log_metrics({"loss": epoch / 2}, step=epoch)
            run.log_settings({"seed": 1})

        assert run.run_id == first
        assert read_history(tracker, first, "loss") == [(1, 0.5), (2, 1.0), (3, 1.5)]
        assert tracker.client.get_run(first).info.status == "FINISHED"
        assert len(tracker.client.search_runs([tracker.experiment_id])) == 1

    def test_trainings_are_children_of_the_pipeline_run_which_ends_when_told(self, tracker: Tracker) -> None:
        for _ in range(2):
            with tracker.open_pipeline_run(
                "rater-bias", fingerprint="p", tags=RunTags(pipeline="rater-bias")
            ) as parent:
                pass
        with tracker.open_run("a", fingerprint="f2", tags=TAGS, parent_run_id=parent.run_id) as child:
            pass
        assert tracker.client.get_run(child.run_id).data.tags["mlflow.parentRunId"] == parent.run_id
        assert tracker.client.get_run(parent.run_id).info.status == "RUNNING"

        with tracker.open_pipeline_run("rater-bias", fingerprint="p", tags=RunTags()) as parent:
            parent.finish()
        assert tracker.client.get_run(parent.run_id).info.status == "FINISHED"

    def test_runs_that_two_processes_opened_at_once_become_the_older_one(self, local: Tracker) -> None:
        tag = {"overread.fingerprint": "f3"}
        older = local.client.create_run(local.experiment_id, start_time=1, tags=tag).info.run_id

        assert local._create_once("a", "f3", tag) == older
        assert [run.info.run_id for run in local.client.search_runs([local.experiment_id])] == [older]

    def test_a_deleted_run_is_not_gone_on_with(self, local: Tracker) -> None:
        with local.open_run("a", fingerprint="f4", tags=TAGS) as first:
            pass
        local.client.delete_run(first.run_id)
        with local.open_run("a", fingerprint="f4", tags=TAGS) as second:
            pass
        assert second.run_id != first.run_id

    def test_infinite_distances_and_missing_values_can_be_logged(self, tracker: Tracker) -> None:
        with tracker.open_run("a", fingerprint="f5", tags=TAGS) as run:
            run.log_metrics({"hd95": float("inf"), "assd": float("nan")})
        values = tracker.client.get_run(run.run_id).data.metrics
        assert values["hd95"] > 1e300
        assert values["assd"] != values["assd"]

    def test_an_interrupt_marks_the_run_as_killed(self, local: Tracker) -> None:
        with pytest.raises(KeyboardInterrupt), local.open_run("a", fingerprint="f6", tags=TAGS) as run:
            raise KeyboardInterrupt
        assert local.client.get_run(run.run_id).info.status == "KILLED"

    def test_a_setting_that_differs_keeps_its_first_value_with_a_warning(
        self, local: Tracker, caplog: pytest.LogCaptureFixture
    ) -> None:
        with local.open_run("a", fingerprint="f7", tags=TAGS) as run:
            run.log_settings({"seed": 1})
            run.log_settings({"seed": 2, "folds": 5})
        assert local.client.get_run(run.run_id).data.params == {"seed": "1", "folds": "5"}
        assert "seed = 1, not 2" in caplog.text

    def test_more_than_thirty_metric_names_are_refused(self, local: Tracker) -> None:
        with local.open_run("a", fingerprint="f8", tags=TAGS) as run:
            run.log_metrics({f"m{index}": 0.0 for index in range(30)})
            with pytest.raises(TrackingError, match="at most 30 metric names, got 31"):
                run.log_metrics({"m30": 0.0})

    def test_weights_that_could_run_code_are_refused(self, local: Tracker, tmp_path: Path) -> None:
        (tmp_path / "weights.pt").write_bytes(b"pickle")
        with (
            local.open_run("a", fingerprint="f9", tags=TAGS) as run,
            pytest.raises(TrackingError, match="safetensors"),
        ):
            run.log_network(tmp_path / "weights.pt", {})

    def test_what_mlflow_refuses_is_an_error(self, local: Tracker) -> None:
        with (
            pytest.raises(TrackingError, match="MLflow refused to take metrics"),
            local.open_run("a", fingerprint="f10", tags=TAGS) as run,
        ):
            run.log_metrics({"dice(%)": 1.0})

    def test_a_fingerprint_that_could_change_the_search_is_refused(self, local: Tracker) -> None:
        with pytest.raises(TrackingError, match="fingerprint"):
            local.open_run("a", fingerprint="x' OR 'y", tags=TAGS)


class TestConnection:
    def test_the_local_artifacts_lie_in_the_workspace(self, local: Tracker, workspace: Path, tmp_path: Path) -> None:
        (tmp_path / "report.html").write_text("<p>")
        with local.open_run("a", fingerprint="f", tags=TAGS) as run:
            run.log_file(tmp_path / "report.html")
        assert (workspace / "mlartifacts" / "tiny" / run.run_id / "artifacts" / "report.html").is_file()
        assert run.url == f"sqlite:///{workspace}/mlflow.db (run {run.run_id})"

    def test_the_run_that_the_platform_opened_is_joined_and_not_ended(
        self, store: ResultStore, mlflow_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_url)
        plain = connect_tracker(f"kubeflow-{uuid.uuid4().hex}", store=store)
        injected = plain.client.create_run(plain.experiment_id, tags={"kfp.pipeline_run_id": "1"}).info.run_id
        monkeypatch.setenv("MLFLOW_RUN_ID", injected)
        study = f"study-{uuid.uuid4().hex}"
        tracker = connect_tracker(study, store=store)

        with tracker.open_pipeline_run("rater-bias", fingerprint="p", tags=TAGS) as parent:
            parent.log_metrics({"dice_gap": 0.1})
            parent.finish()
        with tracker.open_run("a", fingerprint="f", tags=TAGS) as child:
            pass

        assert parent.run_id == injected
        assert parent.url == f"{mlflow_url}/#/experiments/{plain.experiment_id}/runs/{injected}"
        found = tracker.client.get_run(injected)
        assert found.info.status == "RUNNING"
        assert found.data.tags["pipeline"] == "rater-bias"
        assert tracker.client.get_run(child.run_id).data.tags["mlflow.parentRunId"] == injected
        assert tracker.client.get_run(child.run_id).info.experiment_id == plain.experiment_id
        assert tracker.client.get_experiment_by_name(study) is None

    def test_a_deleted_experiment_says_how_to_restore_it(
        self, local: Tracker, store: ResultStore, workspace: Path
    ) -> None:
        local.client.delete_experiment(local.experiment_id)
        with pytest.raises(TrackingError, match="mlflow experiments restore"):
            connect_tracker("tiny", store=store, workspace=workspace)

    def test_without_a_server_or_a_workspace_there_is_no_tracking(self, store: ResultStore) -> None:
        with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI"):
            connect_tracker("tiny", store=store)

    def test_a_server_that_is_away_is_reported_soon_and_without_the_password(
        self, store: ResultStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ada:secret@127.0.0.1:1")
        start = time.monotonic()
        with pytest.raises(TrackingOutageError, match="must be reachable") as caught:
            connect_tracker("tiny", store=store)
        assert time.monotonic() - start < SOON_SECONDS
        assert "secret" not in str(caught.value)

    def test_two_processes_may_make_the_same_workspace_and_open_the_same_run(self, shared: SharedWorkspace) -> None:
        assert shared.return_codes == (0, 0)
        first, second = shared.run_ids
        assert first == second != ""


class TestOutage:
    @pytest.fixture
    def tracker(self, cable: Cable, store: ResultStore, monkeypatch: pytest.MonkeyPatch) -> Tracker:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", cable.url)
        return connect_tracker(f"study-{uuid.uuid4().hex}", store=store)

    def test_what_an_outage_kept_back_is_told_when_a_run_is_opened_next(
        self,
        tracker: Tracker,
        cable: Cable,
        store: ResultStore,
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        (tmp_path / "report.html").write_text("first")
        with tracker.open_run("a", fingerprint="f", tags=TAGS) as run:
            run.log_metrics({"loss": 1.0}, step=1)
            run.flush()
            cable.cut()
            run.log_metrics({"loss": 0.5, "hd95": float("inf")}, step=2)
            run.log_settings({"seed": 1})
            run.log_file(tmp_path / "report.html", "report")
            (tmp_path / "report.html").unlink()
            run.log_study("tiny", digest="ab", revision="12")
            assert run.is_cut_off
        assert len(store.list_keys("outbox")) == 1
        assert "kept for MLflow" in caplog.text

        cable.mend()
        study = tracker.client.get_experiment(tracker.experiment_id).name
        again = connect_tracker(study, store=store)
        assert store.list_keys("outbox") == ()
        found = again.client.get_run(run.run_id)
        assert found.info.status == "FINISHED"
        assert found.data.params == {"seed": "1"}
        assert read_history(again, run.run_id, "loss") == [(1, 1.0), (2, 0.5)]
        assert again.download_file(run.run_id, "report/report.html", tmp_path / "downloaded").read_text() == "first"
        assert found.inputs.dataset_inputs[0].dataset.name == "tiny"

    def test_a_short_outage_is_made_good_at_the_end_of_the_run(
        self,
        tracker: Tracker,
        cable: Cable,
        store: ResultStore,
    ) -> None:
        with tracker.open_run("a", fingerprint="f", tags=TAGS) as run:
            cable.cut()
            run.log_settings({"seed": 1})
            cable.mend()
            run.log_metrics({"loss": 1.0}, step=1)

        assert store.list_keys("outbox") == ()
        assert read_history(tracker, run.run_id, "loss") == [(1, 1.0)]
        assert tracker.client.get_run(run.run_id).data.params == {"seed": "1"}

    def test_only_the_first_call_of_an_outage_knocks(
        self,
        tracker: Tracker,
        cable: Cable,
    ) -> None:
        with tracker.open_run("a", fingerprint="f", tags=TAGS) as run:
            cable.cut()
            run.log_settings({"seed": 1})
            with socket.create_server(("127.0.0.1", cable.port)) as listener:
                for index in range(100):
                    run.log_settings({f"setting{index}": index})
                listener.setblocking(False)
                with pytest.raises(BlockingIOError):
                    listener.accept()

    def test_a_kept_run_that_was_deleted_since_is_dropped_with_a_warning(
        self,
        tracker: Tracker,
        cable: Cable,
        store: ResultStore,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        with tracker.open_run("a", fingerprint="f", tags=TAGS) as run:
            cable.cut()
            run.log_settings({"seed": 1})
        cable.mend()
        tracker.client.delete_run(run.run_id)

        connect_tracker(tracker.client.get_experiment(tracker.experiment_id).name, store=store)
        assert store.list_keys("outbox") == ()
        assert "dropped from the tracking outbox" in caplog.text

    def test_what_is_kept_for_another_server_stays(
        self,
        tracker: Tracker,
        cable: Cable,
        store: ResultStore,
        workspace: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        with tracker.open_run("a", fingerprint="f", tags=TAGS) as run:
            cable.cut()
            run.log_settings({"seed": 1})
        monkeypatch.delenv("MLFLOW_TRACKING_URI")
        connect_tracker("tiny", store=store, workspace=workspace)
        assert len(store.list_keys("outbox")) == 1
