"""Connecting to MLflow: a server, or a SQLite file of this machine."""

import gc
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from overread.adapters.environment import read_environment, set_tracking_defaults
from overread.adapters.mlflow_calls import TrackingOutageError, describing_tracking_failures
from overread.errors import TrackingError

_CREATION_TIMEOUT_SECONDS = 120


@contextmanager
def opening_client(workspace: Path | None = None) -> Iterator[tuple[Any, str]]:
    """Give an `MlflowClient` and its address; during the block, no other process makes the same SQLite database.

    MLflow is the one that MLFLOW_TRACKING_URI names, else the SQLite file `<workspace>/mlflow.db`.

    Raises:
        TrackingOutageError: MLflow cannot be reached.
        TrackingError: there is neither MLFLOW_TRACKING_URI nor a workspace.
    """
    set_tracking_defaults()
    uri = read_environment().tracking_uri or _build_local_uri(workspace)
    _quieten_mlflow()
    with _creating_alone(uri), describing_tracking_failures("connect"):
        yield _import_client()(uri), uri


def _import_client() -> Any:
    """MLflow's client; garbage is not looked for among what its import makes, which would take as long as making it."""
    gc.disable()
    try:
        from mlflow import MlflowClient
    finally:
        gc.freeze()
        gc.enable()
    return MlflowClient


def _build_local_uri(workspace: Path | None) -> str:
    if workspace is None:
        raise TrackingError("MLflow must be named. Hint: set MLFLOW_TRACKING_URI.")
    return f"sqlite:///{workspace.resolve() / 'mlflow.db'}"


def parse_database_path(uri: str) -> Path | None:
    """File of a SQLite database; None for another address."""
    return Path(uri.removeprefix("sqlite:///").split("?")[0]) if uri.startswith("sqlite:///") else None


@contextmanager
def _creating_alone(uri: str) -> Iterator[None]:
    """Keep other processes out while a SQLite database is made or checked."""
    from filelock import FileLock, Timeout

    database = parse_database_path(uri)
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(database.with_name(f"{database.name}.lock"), timeout=_CREATION_TIMEOUT_SECONDS):
            yield
    except Timeout as error:
        raise TrackingOutageError(
            f"another process must finish making {database}. Hint: wait for it, or end it."
        ) from error


def _quieten_mlflow() -> None:
    for name in ("alembic", "mlflow.store.db.utils", "mlflow.tracking", "urllib3.connectionpool"):
        logging.getLogger(name).setLevel(logging.ERROR)
