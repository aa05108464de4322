"""Processes that are the first to tell MLflow of the same study, on SQLite and on a real server with PostgreSQL."""

import shutil
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from overread.adapters.mlflow_calls import apply_operation
from overread.adapters.model_registry import connect_registry
from overread.adapters.tracking_records import LogStudy

PROCESSES, ROUNDS = 4, 5


@pytest.fixture(params=["sqlite", "server"])
def client(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("empty_mlflow"), tmp_path / "mlflow.db")
        return connect_registry(tmp_path).client
    monkeypatch.setenv("MLFLOW_TRACKING_URI", request.getfixturevalue("mlflow_url"))
    return connect_registry().client


def test_all_of_them_are_told(client: Any, tmp_path: Path) -> None:
    experiment = client.create_experiment(uuid.uuid4().hex, artifact_location=(tmp_path / "artifacts").as_uri())
    for round_number in range(ROUNDS):
        study = LogStudy(name="blocks", digest=f"{round_number:064d}"[::-1], revision="a1", uri="")
        barrier = threading.Barrier(PROCESSES)

        def tell(_: int, study: LogStudy = study, together: threading.Barrier = barrier) -> str:
            run_id: str = client.create_run(experiment).info.run_id
            together.wait()
            apply_operation(client, run_id, study, files=tmp_path)
            return run_id

        with ThreadPoolExecutor(PROCESSES) as pool:
            for run_id in pool.map(tell, range(PROCESSES)):
                (found,) = client.get_run(run_id).inputs.dataset_inputs
                assert found.dataset.digest == study.digest[:36]
