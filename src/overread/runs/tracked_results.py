"""Which results of the store have been told to MLflow to the end, so that nobody has to ask it again."""

import hashlib
import tempfile
from pathlib import Path

from overread.adapters.environment import read_environment
from overread.adapters.storage import ResultStore


def is_tracked(store: ResultStore, key: str) -> bool:
    """Whether the present MLflow has been told of the result; never where the platform opens a run of its own."""
    environment = read_environment()
    return environment.run_id is None and store.contains_file(key, _name_mark(environment.tracking_uri))


def mark_tracked(store: ResultStore, key: str) -> None:
    """Note that the present MLflow has been told of the result."""
    with tempfile.TemporaryDirectory(prefix="overread-mark-") as scratch:
        mark = Path(scratch) / "mark"
        mark.touch()
        store.save_file(key, _name_mark(read_environment().tracking_uri), mark)


def _name_mark(tracking_uri: str | None) -> str:
    return f"tracked-{hashlib.sha256((tracking_uri or '').encode()).hexdigest()[:16]}"
