"""Telling Prometheus how batch tasks fare, through a Pushgateway; nothing that fails here fails a task.

What cannot be told is kept in the result store, and told with the next push that gets through. A Pushgateway that
failed is left alone for a while, and the failure is logged once per process.
"""

from collections.abc import Mapping

from overread.adapters.metric_catalogue import GROUP_LABELS
from overread.adapters.pushgateway_calls import PushgatewayOutageError, PushgatewayRefusalError
from overread.adapters.pushgateway_connection import Connection, find_connection
from overread.adapters.storage import ResultStore
from overread.adapters.telemetry_groups import MetricGroup, name_job, select_values
from overread.adapters.telemetry_outbox import KeptMetrics, TelemetryOutbox
from overread.errors import StorageError

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
