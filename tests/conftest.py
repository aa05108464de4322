"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest

from tests.command_line import run_overread
from tests.shared_folders import make_once

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
    from overread.adapters.model_registry import connect_registry

    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("MLFLOW_TRACKING_URI", raising=False)
        return make_once(tmp_path_factory, "empty-mlflow", connect_registry) / "mlflow.db"


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo study as `overread study demo` makes it, to be read only."""

    def make(folder: Path) -> None:
        done = run_overread("study", "demo", folder)
        assert done.returncode == 0, done.stderr

    return make_once(tmp_path_factory, "demo", make)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    import torch

    _put_longest_first(items, float(config.getini("timeout")))
    if torch.cuda.is_available():
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))


def _put_longest_first(items: list[pytest.Item], default_seconds: float) -> None:
    """Begin with the files that are allowed most time: with two workers, a long one at the end would run alone."""
    allowed: dict[Path, float] = {}
    for item in items:
        marker = item.get_closest_marker("timeout")
        seconds = default_seconds if marker is None else float(marker.args[0])
        allowed[item.path] = max(seconds, allowed.get(item.path, 0))
    items.sort(key=lambda item: -allowed[item.path])
