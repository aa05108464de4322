"""Trainings whose MLflow never answers or refuses everybody, before they begin and on their way."""

import shutil
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from overread.adapters.storage import open_store
from overread.runs import tracked_training
from overread.runs.pipeline_run import begin_pipeline_run, connect
from overread.runs.plan import TrainingPlan
from overread.runs.plan_trainings import PlanSettings
from overread.training.history import read_history
from overread.training.result import TrainingResult
from tests.servers import BadServer, running_mute, running_refuser
from tests.trainings import train, write_plan

EPOCHS = 3
FAILURES = ("mute", "401", "404", "500", "503")


class Cable(Protocol):
    """The way to the server, see conftest.py."""

    url: str
    port: int

    def cut(self) -> None: ...

    def mend(self) -> None: ...


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def plan(request: pytest.FixtureRequest, tmp_path: Path) -> TrainingPlan:
    return write_plan(tmp_path, epochs=EPOCHS, study=f"{request.node.name}-{time.time_ns()}")


def running_badly(failure: str, *, port: int = 0) -> AbstractContextManager[BadServer]:
    return running_mute(port=port) if failure == "mute" else running_refuser(int(failure), port=port)


def assert_stored(root: Path, plan: TrainingPlan) -> None:
    """The network and its result are in the store and in the output of the step."""
    result = TrainingResult.read(root / "networks" / plan.jobs[0].name)
    assert result.epochs == EPOCHS
    assert open_store(str(root / "store")).contains(f"trainings/{result.fingerprint}")


def assert_tracked_once(root: Path, plan: TrainingPlan) -> None:
    """There is one run of the training, finished, with every epoch of its history once, and its network."""
    tracker = connect(plan, str(root / "store"))
    (run,) = tracker.client.search_runs([tracker.experiment_id], "tags.fold = '0'")
    assert run.info.status == "FINISHED"
    history = read_history(root / "networks" / plan.jobs[0].name / "history.csv")
    points = [(point.step, point.value) for point in tracker.client.get_metric_history(run.info.run_id, "loss")]
    assert sorted(points) == [(report.epoch, report.loss) for report in history]
    assert "kept_validation_dice" in run.data.metrics
    files = {file.path for file in tracker.client.list_artifacts(run.info.run_id, "network")}
    assert files == {"network/network.json", "network/network.safetensors"}


@pytest.mark.parametrize("failure", FAILURES)
class TestBeforeTheTraining:
    def test_it_ends_well_and_the_next_run_logs_it(
        self,
        failure: str,
        plan: TrainingPlan,
        empty_mlflow: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        choices = PlanSettings(pipeline="rater-bias", preset="demo", folds=3)
        with running_badly(failure) as server:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url.replace("//", "//ada:s3cr3t@"))
            begin_pipeline_run(plan, choices, study_uri="", store=str(tmp_path / "store"))
            train(tmp_path, [plan.jobs[0].name])
        assert_stored(tmp_path, plan)
        assert "the pipeline goes on untracked" in caplog.text
        assert "training goes on untracked" in caplog.text
        assert "s3cr3t" not in caplog.text

        shutil.copy(empty_mlflow, tmp_path)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
        train(tmp_path, [plan.jobs[0].name])
        assert_tracked_once(tmp_path, plan)


@pytest.mark.parametrize("failure", FAILURES)
class TestDuringTheTraining:
    def test_it_ends_well_and_the_next_run_tells_the_rest(
        self,
        failure: str,
        plan: TrainingPlan,
        cable: Cable,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", cable.url)
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        log = tracked_training.log_epochs
        servers: list[BadServer] = []
        with ExitStack() as stack:

            def break_down(run: Any, epochs: Mapping[int, Mapping[str, float]]) -> None:
                """After the second epoch, when the first has been told."""
                if len(epochs) == 2:
                    run.flush()
                    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
                    cable.cut()
                    servers.append(stack.enter_context(running_badly(failure, port=cable.port)))
                log(run, epochs)

            monkeypatch.setattr(tracked_training, "log_epochs", break_down)
            train(tmp_path, [plan.jobs[0].name])
        assert servers[0].requests
        assert_stored(tmp_path, plan)
        assert "tracking goes on without MLflow" in caplog.text
        assert "kept for MLflow in" in caplog.text
        assert len(open_store(str(tmp_path / "store")).list_keys("outbox")) == 1

        cable.mend()
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
        train(tmp_path, [plan.jobs[0].name])
        assert open_store(str(tmp_path / "store")).list_keys("outbox") == ()
        assert_tracked_once(tmp_path, plan)
