"""Connecting to MLflow and telling it what a record says, with errors that tell an outage from a refusal."""

import gc
import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, assert_never

from overread.adapters.environment import read_environment, set_tracking_defaults
from overread.adapters.tracking_records import (
    LogFile,
    LogMetrics,
    LogSettings,
    LogStudy,
    MetricPoint,
    Operation,
    SetStatus,
    SetTags,
)
from overread.adapters.urls import hide_credentials
from overread.errors import TrackingError

_CREATION_TIMEOUT_SECONDS = 120
_LOGGER = logging.getLogger(__name__)
_REFUSALS = (
    "BAD_REQUEST",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
)
_BATCH_SIZE = 1000
_DIGEST_LENGTH = 36
_SHOWN_CHARACTERS = 300


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


class TrackingOutageError(TrackingError):
    """MLflow cannot be reached or let in just now; the same call may work later."""


@contextmanager
def describing_tracking_failures(action: str) -> Iterator[None]:
    """Turn what MLflow and its stores raise into `TrackingOutageError`, or `TrackingError` where MLflow refused."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code in _REFUSALS:
            raise TrackingError(f"MLflow refused to {action}: {_shorten(error)}.") from error
        raise _describe_outage(action, error) from error
    except (OSError, Boto3Error, BotoCoreError, ClientError) as error:
        raise _describe_outage(action, error) from error


def apply_operation(client: Any, run_id: str, operation: Operation, *, files: Path) -> None:
    """Tell MLflow one thing about a run; `files` is the folder of the file that a `LogFile` names.

    Raises:
        TrackingOutageError: MLflow cannot be reached.
        TrackingError: MLflow refused.
    """
    with describing_tracking_failures(f"take {operation.kind} of run {run_id}"):
        match operation:
            case LogMetrics():
                _log_points(client, run_id, operation.points)
            case LogSettings():
                _log_new_settings(client, run_id, operation.values)
            case SetTags():
                _set_tags(client, run_id, operation.values)
            case LogStudy():
                _log_study(client, run_id, operation)
            case LogFile():
                client.log_artifact(run_id, str(files / operation.file), operation.folder or None)
            case SetStatus(status="RUNNING"):
                client.update_run(run_id, status=operation.status)
            case SetStatus():
                client.set_terminated(run_id, status=operation.status)
            case _:
                assert_never(operation)


def read_last_steps(client: Any, run_id: str) -> dict[str, int]:
    """Highest step of each metric that a run has."""
    names = client.get_run(run_id).data.metrics
    return {name: max(point.step for point in client.get_metric_history(run_id, name)) for name in names}


def _log_points(client: Any, run_id: str, points: Sequence[MetricPoint]) -> None:
    from mlflow.entities import Metric

    metrics = [Metric(point.name, point.value, point.timestamp_ms, point.step) for point in points]
    for start in range(0, len(metrics), _BATCH_SIZE):
        client.log_batch(run_id, metrics=metrics[start : start + _BATCH_SIZE])


def _log_new_settings(client: Any, run_id: str, values: dict[str, str]) -> None:
    """Log the settings that the run lacks: MLflow refuses to change one."""
    from mlflow.entities import Param

    known = client.get_run(run_id).data.params
    for name in values.keys() & known.keys():
        if values[name] != known[name]:
            _LOGGER.warning("run %s keeps its setting %s = %s, not %s", run_id, name, known[name], values[name])
    params = [Param(name, value) for name, value in values.items() if name not in known]
    for start in range(0, len(params), 100):
        client.log_batch(run_id, params=params[start : start + 100])


def _set_tags(client: Any, run_id: str, values: dict[str, str]) -> None:
    from mlflow.entities import RunTag

    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in values.items()])


def _log_study(client: Any, run_id: str, study: LogStudy) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.exceptions import MlflowException

    source = json.dumps({"uri": study.uri, "revision": study.revision, "sha256": study.digest})
    # MLflow takes digests of 36 characters at most; the whole one is in the source.
    dataset = Dataset(study.name, study.digest[:_DIGEST_LENGTH], "overread-study", source)
    inputs = [DatasetInput(dataset, [InputTag("revision", study.revision)])]
    try:
        client.log_inputs(run_id, datasets=inputs)
    except MlflowException as error:
        # MLflow's database refuses the second of two processes that are the first to tell the same study.
        if error.error_code != "BAD_REQUEST":
            raise
        client.log_inputs(run_id, datasets=inputs)


def _describe_outage(action: str, error: Exception) -> TrackingOutageError:
    return TrackingOutageError(
        f"MLflow must be reachable to {action}: {_shorten(error)}. "
        "Hint: check MLFLOW_TRACKING_URI, the credentials and that the server runs."
    )


def _shorten(error: Exception) -> str:
    text = hide_credentials(" ".join(str(error).split())).rstrip(".") or type(error).__name__
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} …"
