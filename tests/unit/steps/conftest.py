"""MLflow on a SQLite file of its own for each test that wants one."""

import shutil
from pathlib import Path

import pytest

from tests.retrainings import GrowingStudy


@pytest.fixture
def mlflow_folder(empty_mlflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of an MLflow without runs, which the environment of this test names."""
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "PUSHGATEWAY_URL", "OVERREAD_CODE_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "mlflow"
    folder.mkdir()
    shutil.copy(empty_mlflow, folder / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    return folder


@pytest.fixture
def growing(mlflow_folder: Path, tmp_path: Path) -> GrowingStudy:  # noqa: ARG001  the study's networks go there
    """A study with one commit, and no network yet."""
    study = GrowingStudy(tmp_path)
    study.commit(ann="1", ben="1")
    return study
