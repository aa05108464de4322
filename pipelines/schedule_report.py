"""Schedules, and what changes of them, as lines for a reader."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from overread.adapters.urls import hide_credentials
from pipelines.kubeflow_client import KubeflowClient
from pipelines.schedule_recurring_run import RecurringRun, Schedule
from pipelines.schedule_target import Target
from pipelines.scheduling import Plan

TIME_ZONE = "UTC unless Kubeflow is set to another time zone"


def describe_plan(client: KubeflowClient, plan: Plan) -> list[str]:
    """What the plan changes, a line for each setting and for each recurring run that is one too many.

    Raises:
        KubeflowError: the names of what is replaced cannot be read.
    """
    if plan.replaced is not None:
        lines = [*_list_changes(client, plan.replaced, plan.target)]
    elif plan.kept is None:
        lines = _list_settings(plan.target)
    else:
        lines = [] if plan.kept.enabled else ["enabled: no -> yes"]
    return lines + [f"duplicate: {describe_recurring_run(run)} -> deleted" for run in plan.duplicates]


def describe_recurring_run(run: RecurringRun) -> str:
    """A recurring run in short, for several may have one name."""
    return f"{run.recurring_run_id} ({run.schedule.timing}, {'enabled' if run.enabled else 'disabled'})"


def _list_settings(target: Target) -> list[str]:
    parameters = target.schedule.parameters.items()
    return [
        f"version: {target.version}",
        f"experiment: {target.experiment}",
        *(f"parameter {name}: {_show(value)}" for name, value in parameters),
    ]


def _list_changes(client: KubeflowClient, run: RecurringRun, target: Target) -> Iterator[str]:
    there, wanted = run.schedule, target.schedule
    if there.pipeline_id != wanted.pipeline_id:
        yield f"pipeline: {there.pipeline_id or 'a package of its own'} -> {target.pipeline}"
    if there.version_id != wanted.version_id:
        yield f"version: {_name_version(client, there)} -> {target.version}"
    if there.experiment_id != wanted.experiment_id:
        yield f"experiment: {client.read_experiment_name(there.experiment_id)} -> {target.experiment}"
    yield from _list_parameter_changes(there.parameters, wanted.parameters)
    if there.timing != wanted.timing:
        yield f"cron: {there.timing} -> {wanted.timing}"
    if there.max_concurrency != wanted.max_concurrency:
        yield f"runs at a time: {there.max_concurrency} -> {wanted.max_concurrency}"
    if there.catches_up != wanted.catches_up:
        yield "missed runs: made up for -> left out"
    if not run.enabled:
        yield "enabled: no -> yes"


def _list_parameter_changes(there: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(there.keys() | wanted.keys()):
        old, new = (_show(values[name]) if name in values else "its default" for values in (there, wanted))
        if name not in there or name not in wanted or there[name] != wanted[name]:
            yield f"parameter {name}: {old} -> {new}"


def _name_version(client: KubeflowClient, schedule: Schedule) -> str:
    if not schedule.version_id:
        return "the newest one at each run" if schedule.pipeline_id else "none"
    return client.read_version_name(schedule.pipeline_id, schedule.version_id)


def _show(value: object) -> str:
    if isinstance(value, str):
        return hide_credentials(value) or "''"
    return json.dumps(value)
