"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")
REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the real data; the test skips where it is absent."""
    folder = Path(os.environ.get("OVERREAD_REAL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("needs the real data: set OVERREAD_REAL_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQLite file of an MLflow without runs, to be copied: MLflow takes seconds to make one."""
    from filelock import FileLock

    from overread.adapters.model_registry import connect_registry

    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "empty-mlflow"
    database = folder / "whole" / "mlflow.db"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"), pytest.MonkeyPatch.context() as environment:
        if not database.is_file():
            environment.delenv("MLFLOW_TRACKING_URI", raising=False)
            connect_registry(folder / "made")
            (folder / "made").rename(database.parent)
    return database


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    import torch

    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))
