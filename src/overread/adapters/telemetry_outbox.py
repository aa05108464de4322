"""Metrics that could not be told to the Pushgateway, kept in the result store until they can.

Each record is a result `telemetry/<group>-<time>` in the store with the one file `pending.json`.
"""

import hashlib
import json
import logging
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ConfigDict, ValidationError

from overread.adapters.metric_catalogue import GroupKind
from overread.adapters.storage import ResultStore
from overread.adapters.telemetry_groups import MetricGroup, list_metrics
from overread.errors import InputError, StorageError
from overread.settings import Settings

_LOGGER = logging.getLogger(__name__)
_KIND = "telemetry"
_RECORD = "pending.json"
_DIGEST_LENGTH = 24


class _Record(Settings):
    # Of nested models pydantic asks the outermost how to write infinite values.
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    gateway: str
    kind: GroupKind
    labels: dict[str, str]
    values: dict[str, float]


@dataclass(frozen=True)
class KeptMetrics:
    """What waits for one Pushgateway about one group.

    Attributes:
        group: the group.
        values: the newest of each metric.
        keys: the records that they come from.
    """

    group: MetricGroup
    values: Mapping[str, float]
    keys: tuple[str, ...]


class TelemetryOutbox:
    """The records for one Pushgateway; methods raise `StorageError`.

    Args:
        store: where they are kept.
        gateway: address of the Pushgateway, without credentials.
    """

    def __init__(self, store: ResultStore, gateway: str) -> None:
        self._store = store
        self._gateway = gateway

    def list_kept(self) -> list[KeptMetrics]:
        """All that waits, one entry per group; of a metric that was kept twice, the newer value."""
        found: dict[str, KeptMetrics] = {}
        for key in self._store.list_keys(_KIND):
            name = key.rpartition("-")[0]
            if (record := self._read(key)) is not None and record.gateway == self._gateway:
                before = found.get(name)
                values = {**(before.values if before else {}), **record.values}
                keys = (*(before.keys if before else ()), key)
                found[name] = KeptMetrics(MetricGroup(record.kind, record.labels), values, keys)
        return list(found.values())

    def keep(self, group: MetricGroup, values: Mapping[str, float]) -> None:
        """Keep the values of a group."""
        record = _Record(gateway=self._gateway, kind=group.kind, labels=dict(group.labels), values=dict(values))
        with tempfile.TemporaryDirectory(prefix="overread-telemetry-") as scratch:
            (Path(scratch) / _RECORD).write_text(record.model_dump_json(indent=1), encoding="utf-8")
            self._store.publish(f"{_KIND}/{self._name(group)}-{time.time_ns()}", Path(scratch))

    def drop(self, keys: Iterable[str]) -> None:
        """Remove records that were told, or whose values are kept in a newer one."""
        for key in keys:
            self._store.delete(key)

    def _name(self, group: MetricGroup) -> str:
        text = json.dumps([self._gateway, group.kind, sorted(group.labels.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]

    def _read(self, key: str) -> _Record | None:
        """Read a record; None where another process has just told and removed it, or where it cannot be told."""
        with tempfile.TemporaryDirectory(prefix="overread-telemetry-") as scratch:
            folder = Path(scratch) / "record"
            try:
                if not self._store.fetch(key, folder):
                    return None
            except StorageError:
                if self._store.contains(key):
                    raise
                return None
            record = _parse_record((folder / _RECORD).read_bytes())
        if record is None:
            _LOGGER.warning("dropped from the telemetry outbox, for it cannot be read: %s/%s", self._store.url, key)
            self._store.delete(key)
        return record


def _parse_record(content: bytes) -> _Record | None:
    """Check a record against the catalogue, for another version may have written it; None where nothing can be told."""
    try:
        record = _Record.model_validate_json(content)
        group = MetricGroup(record.kind, record.labels)
    except (ValidationError, InputError):
        return None
    known = {name: value for name, value in record.values.items() if name in list_metrics(group.kind)}
    return record.model_copy(update={"values": known}) if known else None
