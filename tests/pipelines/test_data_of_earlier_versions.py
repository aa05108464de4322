"""What version 0.1.0 left on disk still opens: a study, a plan, a result store and MLflow's database.

`tests/data/version-0.1.0` was written by that version: four cases of `tests.studies.write_squares`, a plan of two folds
for `ann`, the training of fold 0 and MLflow's SQLite as a script, with artifacts at a path that no machine has.
"""

import re
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import torch

from overread.adapters.storage import open_store
from overread.adapters.tracking import RunTags, connect_tracker
from overread.networks.build import load_network
from overread.runs.plan import TrainingPlan
from overread.study.study import Study
from overread.training.result import TrainingResult
from tests.command_line import run_overread

HOME = Path(__file__).parents[1] / "data" / "version-0.1.0"
FINGERPRINT = "398b9bde49442126b02e890002faaa4b6632be37f6053a304dd159c908801275"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy that may be written to, with the database restored from its script."""
    folder = tmp_path_factory.mktemp("version") / "home"
    shutil.copytree(HOME, folder)
    with sqlite3.connect(folder / "mlflow.db") as database:
        database.executescript((folder / "mlflow.sql").read_text(encoding="utf-8"))
    return folder


@pytest.fixture
def training(home: Path, tmp_path: Path) -> Path:
    """The finished training, fetched from the store."""
    store = open_store(str(home / "store"))
    assert store.list_keys("trainings") == (f"trainings/{FINGERPRINT}",)
    assert store.fetch(f"trainings/{FINGERPRINT}", tmp_path / "network")
    return tmp_path / "network"


def test_the_study_is_sound(home):
    done = run_overread("study", "check", home / "study")
    assert done.returncode == 0, done.stderr
    study = Study.open(home / "study")
    assert study.case_ids == ("case00", "case01", "case02", "case03")
    assert study.select_sources() == ("ann", "ben")


def test_the_plan_is_read(home):
    plan = TrainingPlan.read(home / "plan.json")
    assert (plan.pipeline, plan.study, plan.revision) == ("rater-bias", "blocks-2d", "abc")
    assert [job.name for job in plan.jobs] == ["unet-ann-fold0-repeat0", "unet-ann-fold1-repeat0"]


def test_the_finished_training_is_read(training):
    result = TrainingResult.read(training)
    assert result.job.name == "unet-ann-fold0-repeat0"
    assert result.kept_epoch == 2
    assert result.kept_validation_dice == pytest.approx(0.72)


def test_the_trained_network_predicts(training, home):
    network, settings = load_network(training, torch.device("cpu"))
    assert settings.channels == ("grey",)
    study = Study.open(home / "study")
    image, block = np.asarray(study.read_image("case00"), np.float32), study.labels("ann").read("case00")
    with torch.inference_mode():
        logits = network.eval()(torch.as_tensor((image - image.mean()) / image.std()).reshape(1, 1, 24, 24))
    assert logits[0, 0][block].mean() > 0 > logits[0, 0][~block].mean()


def test_the_runs_of_mlflow_are_found_and_a_new_one_is_added_beside_them(home, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    tracker = connect_tracker("blocks-2d", store=open_store(str(tmp_path / "store")))
    plan = TrainingPlan.read(home / "plan.json")
    assert tracker.find_run(FINGERPRINT) == "e2ed73a9ddd345648eac994420d66539"
    assert tracker.find_run(plan.run_fingerprint) == "7353f3dc6b114eedaf1df639821a5ed3"
    assert tracker.has_finished(FINGERPRINT)
    assert not tracker.has_finished(plan.run_fingerprint)
    with tracker.open_run("next", fingerprint="ab" * 32, tags=RunTags(pipeline="rater-bias")) as run:
        run.finish()
    assert tracker.has_finished("ab" * 32)


def test_nothing_in_it_tells_of_a_machine():
    texts = [path.read_bytes() for path in HOME.rglob("*") if path.is_file()]
    assert sum(map(len, texts)) < 300_000
    paths = {path for text in texts for path in re.findall(rb"/\w[\w.-]*(?:/[\w.-]+)+", text)}
    assert {path for path in paths if not path.startswith(b"/home/ada/")} == set()
