"""What could not be told to MLflow, kept in the result store until it can.

Each record is a result `outbox/<time>-<run>` in the store: `pending.json` and the files that it names.
"""

import logging
import tempfile
import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from overread.adapters.mlflow_calls import TrackingOutageError, apply_operation
from overread.adapters.storage import ResultStore
from overread.adapters.tracking_records import PendingRun
from overread.adapters.urls import hide_credentials
from overread.errors import TrackingError

_LOGGER = logging.getLogger(__name__)
_KIND = "outbox"
_RECORD = "pending.json"


def keep_pending(store: ResultStore, pending: PendingRun, folder: Path) -> str:
    """Put a record into the outbox; `folder` holds the files that it names and nothing else.

    Returns:
        Its key in the store.
    """
    pending.write(folder / _RECORD)
    key = f"{_KIND}/{time.time_ns()}-{pending.run_id}"
    store.publish(key, folder)
    return key


def replay_outbox(client: Any, store: ResultStore, *, tracking_uri: str) -> int:
    """Tell MLflow what earlier outages kept from it, oldest first, and empty the outbox of it.

    Records of another MLflow are left alone. What MLflow refuses, such as a run that was deleted since, is dropped with
    a warning. Two processes may do this at once: MLflow drops points that it has, and the rest overwrites itself.

    Returns:
        Number of records told.

    Raises:
        TrackingOutageError: MLflow cannot be reached; the records stay.
    """
    told = 0
    for key in store.list_keys(_KIND):
        with tempfile.TemporaryDirectory(prefix="overread-outbox-") as scratch:
            folder = Path(scratch) / "record"
            if not store.fetch(key, folder):
                continue
            pending = _read_record(folder / _RECORD, key)
            if pending is None or pending.tracking_uri != hide_credentials(tracking_uri):
                continue
            _tell(client, pending, folder)
        store.delete(key)
        told += 1
    return told


def _read_record(path: Path, key: str) -> PendingRun | None:
    try:
        return PendingRun.read(path)
    except ValidationError as error:
        _LOGGER.warning("left in the tracking outbox, for it cannot be read: %s (%s)", key, error)
        return None


def _tell(client: Any, pending: PendingRun, folder: Path) -> None:
    for operation in pending.operations:
        try:
            apply_operation(client, pending.run_id, operation, files=folder)
        except TrackingOutageError:
            raise
        except TrackingError as error:
            _LOGGER.warning("dropped from the tracking outbox: %s", error)
