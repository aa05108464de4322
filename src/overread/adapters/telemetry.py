"""The metrics of Overread, and telling a Pushgateway of them, now or later."""

import hashlib
import json
import logging
import math
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import ValidationError

from overread.adapters.pushgateway import Connection, PushgatewayOutageError, PushgatewayRefusalError, find_connection
from overread.adapters.storage import ResultStore
from overread.errors import InputError, StorageError
from overread.records import Result

GroupKind: TypeAlias = Literal["training", "evaluation", "relabelling", "retraining"]

GROUP_LABELS: Mapping[GroupKind, tuple[str, ...]] = {
    "training": ("pipeline", "study", "source", "network", "kind"),
    "evaluation": ("pipeline", "study", "source"),
    "relabelling": ("pipeline", "study", "source"),
    "retraining": ("study", "source"),
}
"""Labels of the metrics of each kind.

`source` names what a network learns: a source, several such as `a+b`, or the column whose values an acquisition probe
names. `kind` of a training is segmentation, source-classifier or acquisition-probe.
"""


@dataclass(frozen=True)
class Metric:
    """One gauge.

    Attributes:
        kind: the group that it is pushed with, which gives it its labels.
        help: what it says, with its unit.
    """

    kind: GroupKind
    help: str


METRICS: Mapping[str, Metric] = {
    "overread_training_running": Metric("training", "1 while a training runs, 0 once it has ended."),
    "overread_training_progress_timestamp_seconds": Metric(
        "training", "When the last epoch ended, or trainings began, in seconds since 1970."
    ),
    "overread_training_epochs": Metric("training", "Epochs done."),
    "overread_training_planned_epochs": Metric("training", "Upper bound of the epochs."),
    "overread_training_loss": Metric("training", "Mean loss of the last epoch."),
    "overread_training_validation_dice_ratio": Metric("training", "Mean Dice over the validation cases, 0 to 1."),
    "overread_training_validation_hit_rate_ratio": Metric(
        "training", "Share of validation patches whose source a classifier names, 0 to 1."
    ),
    "overread_training_validation_loss": Metric(
        "training", "Cross-entropy over the validation cases of a source classifier or an acquisition probe."
    ),
    "overread_training_voxels_per_second": Metric("training", "Voxels of training patches of segmentation per second."),
    "overread_training_gpu_memory_bytes": Metric("training", "Most GPU memory that was allocated at a time."),
    "overread_training_duration_seconds": Metric("training", "Time in the training loop so far."),
    "overread_evaluation_same_dice_ratio": Metric(
        "evaluation", "Mean Dice of a network against its own source on held-out cases, 0 to 1."
    ),
    "overread_evaluation_cross_dice_ratio": Metric(
        "evaluation", "Mean Dice of a network against the other sources on held-out cases, 0 to 1."
    ),
    "overread_evaluation_load_bias_ratio": Metric(
        "evaluation", "Mean predicted load minus that of the reference, as a share of the latter."
    ),
    "overread_relabelling_changed_cases": Metric("relabelling", "Cases whose masks were changed."),
    "overread_relabelling_changed_voxels": Metric("relabelling", "Voxels that changed sides, over all cases."),
    "overread_retraining_last_success_timestamp_seconds": Metric(
        "retraining",
        "When retraining last ran to its end, a hold, a refusal or nothing new included, in seconds since 1970.",
    ),
    "overread_retraining_last_promotion_timestamp_seconds": Metric(
        "retraining", "When a challenger last became champion, in seconds since 1970."
    ),
    "overread_retraining_last_refusal_timestamp_seconds": Metric(
        "retraining", "When a challenger was last refused, in seconds since 1970."
    ),
    "overread_retraining_verdict": Metric(
        "retraining", "What became of the newest challenger in its run: 1 promoted, 0 on hold, -1 refused."
    ),
    "overread_retraining_hold_timestamp_seconds": Metric(
        "retraining", "Since when the newest challenger waits for a human, in seconds since 1970; 0 if it does not."
    ),
    "overread_retraining_champion_timestamp_seconds": Metric(
        "retraining", "When the champion became champion, in seconds since 1970."
    ),
    "overread_retraining_revisions_behind": Metric(
        "retraining", "Revisions with other labels of the source since the one that the champion learnt."
    ),
}


@dataclass(frozen=True)
class MetricGroup:
    """Metrics of one kind with the same labels; values of one group replace each other, and nothing else.

    Attributes:
        kind: which metrics.
        labels: their values, by the names in `GROUP_LABELS`; any text, the empty one too.

    Raises:
        InputError: a label is missing or unknown.
    """

    kind: GroupKind
    labels: Mapping[str, str]

    def __post_init__(self) -> None:
        if set(self.labels) != set(GROUP_LABELS[self.kind]):
            raise InputError(
                f"metrics of kind {self.kind} must have the labels {', '.join(GROUP_LABELS[self.kind])}",
                found=", ".join(self.labels) or "none",
            )

    @property
    def job(self) -> str:
        """What Prometheus knows the tasks of this kind by."""
        return name_job(self.kind)


def name_job(kind: GroupKind) -> str:
    """What Prometheus knows the tasks of a kind by."""
    return f"overread-{kind}"


def list_metrics(kind: GroupKind) -> list[str]:
    """Names of the metrics of a kind."""
    return [name for name, metric in METRICS.items() if metric.kind == kind]


def select_values(group: MetricGroup, values: Mapping[str, float]) -> dict[str, float]:
    """The values that can be told: NaN, which says that there is none, is left out.

    Raises:
        InputError: a name is no metric of the group's kind.
    """
    known = list_metrics(group.kind)
    if unknown := [name for name in values if name not in known]:
        raise InputError(
            f"a metric of kind {group.kind} must be in the catalogue",
            found=", ".join(unknown),
            hint=f"known: {', '.join(known)}",
        )
    return {name: float(value) for name, value in values.items() if not math.isnan(value)}


_LOGGER = logging.getLogger(__name__)
_KIND = "telemetry"
_RECORD = "pending.json"
_DIGEST_LENGTH = 24


class _Record(Result):
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
            record.write(Path(scratch) / _RECORD)
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


__all__ = ["MetricGroup", "push_metrics", "remove_old_groups", "tell_kept_metrics"]

WEEK_SECONDS = 7 * 24 * 3600.0
_AGEING_JOBS = frozenset(name_job(kind) for kind in GROUP_LABELS if kind != "retraining")
"""Jobs whose groups lose their meaning with time; that retraining has not run for long is what its group is to say."""


def push_metrics(store: ResultStore, group: MetricGroup, values: Mapping[str, float]) -> None:
    """Tell the Pushgateway that PUSHGATEWAY_URL names the values of a group, and what was kept from it before.

    Values of the group that are not given stay as they are. Without PUSHGATEWAY_URL nothing happens.

    Args:
        store: keeps the values if they cannot be told.
        group: what they belong to.
        values: by the names in `METRICS`; NaN is left out.

    Raises:
        InputError: a name is no metric of the group's kind.
        SettingsError: PUSHGATEWAY_URL is no http or https URL.
    """
    told, connection = select_values(group, values), find_connection()
    if connection is None or not told:
        return
    outbox = TelemetryOutbox(store, connection.gateway.address)
    kept = _list_kept(outbox, connection)
    before = next((item for item in kept if item.group == group), KeptMetrics(group, {}, ()))
    newest = {**before.values, **told}
    if connection.push(group, newest):
        _drop(outbox, before, connection)
        _tell(outbox, [item for item in kept if item is not before], connection)
    else:
        _keep(outbox, before, newest, connection)


def tell_kept_metrics(store: ResultStore) -> None:
    """Tell what earlier outages kept from the Pushgateway, even if it failed a moment ago.

    Raises:
        SettingsError: PUSHGATEWAY_URL is no http or https URL.
    """
    connection = find_connection()
    if connection is not None:
        outbox = TelemetryOutbox(store, connection.gateway.address)
        connection.end_pause()
        _tell(outbox, _list_kept(outbox, connection), connection)


def remove_old_groups(max_age_seconds: float = WEEK_SECONDS) -> int:
    """Remove groups of trainings, evaluations and relabellings that were pushed to long ago; never those of retraining.

    A Pushgateway forgets nothing by itself, so that sources and studies that are gone would be scraped for ever.

    Returns:
        Number of groups removed; what fails is logged.

    Raises:
        SettingsError: PUSHGATEWAY_URL is no http or https URL.
    """
    connection, removed = find_connection(), 0
    if connection is None or connection.is_paused:
        return removed
    try:
        for group in connection.gateway.list_groups():
            if group.labels.get("job") in _AGEING_JOBS and group.age_seconds > max_age_seconds:
                connection.gateway.delete(group)
                removed += 1
    except (PushgatewayOutageError, PushgatewayRefusalError) as error:
        connection.warn_once("removal", "old metrics are left on the Pushgateway: %s", error)
    return removed


def _tell(outbox: TelemetryOutbox, kept: list[KeptMetrics], connection: Connection) -> None:
    for item in kept:
        if not connection.push(item.group, item.values):
            return
        _drop(outbox, item, connection)


def _list_kept(outbox: TelemetryOutbox, connection: Connection) -> list[KeptMetrics]:
    try:
        return outbox.list_kept()
    except (StorageError, OSError) as error:
        connection.warn_once("reading", "telemetry that was kept is left alone: %s", error)
        return []


def _keep(outbox: TelemetryOutbox, before: KeptMetrics, newest: Mapping[str, float], connection: Connection) -> None:
    try:
        outbox.keep(before.group, newest)
        outbox.drop(before.keys)
    except (StorageError, OSError) as error:
        connection.warn_once("keeping", "telemetry is lost: %s", error)


def _drop(outbox: TelemetryOutbox, told: KeptMetrics, connection: Connection) -> None:
    try:
        outbox.drop(told.keys)
    except (StorageError, OSError) as error:
        connection.warn_once("dropping", "telemetry that was told stays in the outbox: %s", error)
