"""MLflow without runs for each test that wants one."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.retrainings import GrowingStudy


@pytest.fixture(scope="session")
def mlflow_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests keep their MLflow in turn: MLflow checks tables once per address."""
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture
def mlflow_folder(empty_mlflow: Path, mlflow_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of an MLflow without runs, which the environment of this test names."""
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "PUSHGATEWAY_URL", "OVERREAD_CODE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    shutil.rmtree(mlflow_home / "mlartifacts", ignore_errors=True)
    database = mlflow_home / "mlflow.db"
    with closing(sqlite3.connect(empty_mlflow)) as empty, closing(sqlite3.connect(database)) as used:
        empty.backup(used)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    folder = tmp_path / "mlflow"
    folder.symlink_to(mlflow_home)
    return folder


@pytest.fixture
def growing(mlflow_folder: Path, tmp_path: Path) -> GrowingStudy:  # noqa: ARG001  the study's networks go there
    """A study with one commit, and no network yet."""
    study = GrowingStudy(tmp_path)
    study.commit(ann="1", ben="1")
    return study
