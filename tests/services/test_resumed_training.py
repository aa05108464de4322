"""Trainings that are killed, lose MLflow or are asked for twice: real processes, a real store, MLflow on SQLite."""

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from overread.errors import InputError
from overread.networks.hardware import limit_threads
from overread.runs import plan_trainings, tracked_training, train_networks
from overread.runs.pipeline_run import connect
from overread.runs.plan import TrainingPlan
from overread.runs.train_networks import describe_job
from overread.runs.training_run import open_training_run
from overread.study.study import Study
from overread.training.history import read_history
from overread.training.job import run_training_job
from overread.training.loop import Session
from overread.training.presets import Preset
from overread.training.result import TrainingJob, TrainingResult
from tests.studies import make_preset, write_squares

EPOCHS = 6
_PATIENCE_SECONDS = 180
_POLL_SECONDS = 0.005

_TRAIN = """
import sys
from pathlib import Path
from overread.runs import train_networks

if __name__ == "__main__":
    root, jobs = Path(sys.argv[1]), sys.argv[2].split(",")
    train_networks.run(
        root / "study",
        root / "plan.json",
        jobs,
        output=root / "networks",
        store=str(root / "store"),
        processes=len(jobs),
    )
"""


@pytest.fixture
def root(empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study, its preset and MLflow's database."""
    shutil.copy(empty_mlflow, tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    write_squares(tmp_path / "study")
    write_preset(tmp_path, steps_per_epoch=4)
    return tmp_path


def write_preset(root: Path, *, steps_per_epoch: int) -> Preset:
    preset = make_preset(2, epochs=EPOCHS, dropout=0.3)
    training = preset.training.model_copy(update={"steps_per_epoch": steps_per_epoch})
    preset = preset.model_copy(update={"training": training})
    preset.write_yaml(root / "tiny.yaml")
    return preset


def make_plan(root: Path, *, tracked: bool = True) -> TrainingPlan:
    settings = plan_trainings.PlanSettings(pipeline="rater-bias", preset=str(root / "tiny.yaml"), folds=3)
    study, file = root / "study", root / "plan.json"
    if tracked:
        return plan_trainings.run(
            study, settings, study_uri="", revision="abc", plan_file=file, store=str(root / "store")
        )
    plan = plan_trainings.plan_trainings(Study.open(study), settings, revision="abc")
    plan.write(file)
    return plan


def train(root: Path, job: TrainingJob, output: str = "networks") -> TrainingResult:
    """Run the step in this process."""
    (result,) = train_networks.run(
        root / "study",
        root / "plan.json",
        [job.name],
        output=root / output,
        store=str(root / "store"),
        processes=1,
    )
    return result


def start_training(root: Path, jobs: list[TrainingJob]) -> "subprocess.Popen[bytes]":
    """Run the step in a process of its own, which trains several jobs side by side."""
    script = root / "train.py"
    script.write_text(_TRAIN, encoding="utf-8")
    names = ",".join(job.name for job in jobs)
    return subprocess.Popen([sys.executable, str(script), str(root), names])


def train_uninterrupted(root: Path, plan: TrainingPlan, job: TrainingJob) -> Path:
    folder = root / "uninterrupted" / job.name
    limit_threads(1)
    run_training_job(
        Study.open(root / "study"),
        job,
        plan.preset,
        folder=folder,
        session=Session(torch.device("cpu"), root / f"{job.name}.pt", "uninterrupted", lambda _: None),
    )
    return folder


def find_runs(root: Path, plan: TrainingPlan, job: TrainingJob) -> tuple[Any, list[Any]]:
    """MLflow's client and the runs of a training, deleted ones included."""
    from mlflow.entities import ViewType

    tracker = connect(plan, str(root / "store"))
    query = f"tags.source = '{job.source}' and tags.fold = '{job.fold}'"
    return tracker.client, tracker.client.search_runs([tracker.experiment_id], query, ViewType.ALL)


def assert_tracked_once(root: Path, plan: TrainingPlan, job: TrainingJob) -> Any:
    """There is one run of a training, finished, with every epoch of its history once."""
    client, runs = find_runs(root, plan, job)
    (run,) = runs
    assert run.info.status == "FINISHED"
    history = read_history(root / "networks" / job.name / "history.csv")
    assert [report.epoch for report in history] == list(range(1, EPOCHS + 1))
    for name in ("loss", "learning_rate", "validation_dice"):
        points = [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
        assert sorted(points) == [(report.epoch, getattr(report, name)) for report in history]
    assert "kept_validation_dice" in run.data.metrics
    return run


def assert_same_weights(first: Path, second: Path) -> None:
    weights = [load_file(folder / "network.safetensors") for folder in (first, second)]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, "the training ended too soon"
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(_POLL_SECONDS)


class TestKilledTraining:
    @pytest.mark.parametrize("job_count", [1, pytest.param(2, marks=pytest.mark.slow)])
    def test_ends_as_if_it_had_not_been_killed(self, root: Path, job_count: int) -> None:
        write_preset(root, steps_per_epoch=40)
        plan = make_plan(root)
        jobs = list(plan.jobs[:job_count])
        store = root / "store" / "trainings"
        with start_training(root, jobs) as first:
            wait_until(lambda: any(store.glob("*/files/checkpoint.pt")), first)
            first.send_signal(signal.SIGKILL)
        assert not list(store.glob("*/manifest.json")), "it was killed too late"
        assert not list((root / "networks").glob("*/result.json"))

        with start_training(root, jobs) as second:
            assert second.wait(_PATIENCE_SECONDS) == 0

        for job in jobs:
            assert_same_weights(root / "networks" / job.name, train_uninterrupted(root, plan, job))
            run = assert_tracked_once(root, plan, job)
            parent = connect(plan, str(root / "store")).find_run(plan.run_fingerprint)
            assert run.data.tags["mlflow.parentRunId"] == parent
        assert not list(store.glob("*/files/checkpoint.pt")), "a finished training needs no checkpoint"


class TestTrainingWithoutMLflow:
    @pytest.fixture
    def closed_port(self) -> int:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return int(listener.getsockname()[1])

    def test_finishes_and_is_logged_by_the_next_run(
        self, root: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        plan = make_plan(root, tracked=False)
        job = plan.jobs[0]
        with monkeypatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{closed_port}")
            patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
            result = train(root, job)
        assert result.epochs == EPOCHS
        assert "training goes on untracked" in caplog.text
        assert find_runs(root, plan, job)[1] == []

        assert train(root, job) == result
        assert_tracked_once(root, plan, job)
        assert train(root, job) == result
        assert_tracked_once(root, plan, job)


class TestFinishedTraining:
    def test_is_reused(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        plan = make_plan(root)
        job = plan.jobs[0]
        result = train(root, job)
        assert train(root, job, "elsewhere") == result
        assert f"→ {job.name}: reused" in capsys.readouterr().out
        assert_same_weights(root / "networks" / job.name, root / "elsewhere" / job.name)
        assert_tracked_once(root, plan, job)

    def test_is_not_reused_when_its_labels_have_changed(self, root: Path) -> None:
        plan = make_plan(root)
        before = [train(root, job) for job in plan.jobs[:2]]
        labels = Study.open(root / "study").labels("ann")
        labels.path("case00").write_bytes(labels.path("case01").read_bytes())
        plan = make_plan(root)
        after = [train(root, job) for job in plan.jobs[:2]]
        changed = {now.job.source for now, then in zip(after, before, strict=True) if now != then}
        assert changed == {"ann"}

    def test_that_was_killed_before_its_run_was_closed_is_logged_to_its_end(self, root: Path) -> None:
        plan = make_plan(root)
        job = plan.jobs[0]
        train(root, job)
        client, (run,) = find_runs(root, plan, job)
        client.delete_run(run.info.run_id)
        for mark in (root / "store").rglob("tracked-*"):
            mark.unlink()
        tracked = open_training_run(connect(plan, str(root / "store")), describe_job(plan, job), device="cpu")
        tracked.log_metrics({"loss": 0.0}, step=0)
        assert client.get_run(tracked.run_id).info.status == "RUNNING"

        train(root, job)
        found = client.get_run(tracked.run_id)
        assert found.info.status == "FINISHED"
        assert len(client.get_metric_history(tracked.run_id, "loss")) == EPOCHS


class TestResumedTraining:
    def test_goes_on_from_the_checkpoint_in_the_store(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Interrupted after two epochs; on another machine, which has the store alone, four epochs are left."""
        plan = make_plan(root)
        job = plan.jobs[0]
        told: list[int] = []

        def interrupt(epoch: int) -> None:
            told.append(epoch)
            if told == [1, 2]:
                raise KeyboardInterrupt

        watch_epochs(monkeypatch, interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(root, job, "first machine")
        train(root, job)
        assert told == [1, 2, 3, 4, 5, 6]
        assert_same_weights(root / "networks" / job.name, train_uninterrupted(root, plan, job))
        assert_tracked_once(root, plan, job)

    def test_is_refused_when_it_is_no_job_of_the_plan(self, root: Path) -> None:
        job = make_plan(root).jobs[0].model_copy(update={"source": "bob"})
        with pytest.raises(
            InputError, match=r"a job must be one of the plan, got unet-bob-fold0-repeat0\. Hint: known: unet-ann-"
        ):
            train(root, job)


def watch_epochs(patch: pytest.MonkeyPatch, react: Callable[[int], None]) -> None:
    """Call `react` with each epoch that is done, when its checkpoint is in the store and before MLflow hears of it."""
    log = tracked_training.log_epochs

    def watch(run: Any, epochs: Mapping[int, Mapping[str, float]]) -> None:
        react(len(epochs))
        log(run, epochs)

    patch.setattr(tracked_training, "log_epochs", watch)
