"""Recurring runs of Kubeflow Pipelines, and what of them a schedule decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import kfp_server_api as api

from pipelines.schedule_cron import from_kubeflow, to_kubeflow


@dataclass(frozen=True)
class Schedule:
    """What runs, with which values, and when.

    Attributes:
        pipeline_id: ID of the pipeline; empty for a recurring run that holds a package of its own.
        version_id: ID of the pipeline's version; empty for the newest one at the time of each run.
        experiment_id: ID of the experiment that the runs belong to.
        parameters: values that differ from their defaults.
        timing: cron expression of five fields; for others' recurring runs also Kubeflow's own form, or words.
        max_concurrency: most runs at a time.
        catches_up: whether runs that were missed are made up for, all of them.
    """

    pipeline_id: str
    version_id: str
    experiment_id: str
    parameters: Mapping[str, Any]
    timing: str
    max_concurrency: int = 1
    catches_up: bool = False


@dataclass(frozen=True)
class RecurringRun:
    """A recurring run on the server.

    Attributes:
        recurring_run_id: its ID.
        name: its name, which others may have too.
        enabled: whether it starts runs.
        created_at: when it was made.
        schedule: what it runs.
    """

    recurring_run_id: str
    name: str
    enabled: bool
    created_at: datetime
    schedule: Schedule


def read_recurring_run(found: api.V2beta1RecurringRun) -> RecurringRun:
    """Read a recurring run as the server describes it."""
    version = found.pipeline_version_reference or api.V2beta1PipelineVersionReference()
    schedule = Schedule(
        pipeline_id=version.pipeline_id or "",
        version_id=version.pipeline_version_id or "",
        experiment_id=found.experiment_id or "",
        parameters=(found.runtime_config and found.runtime_config.parameters) or {},
        timing=_describe_trigger(found.trigger or api.V2beta1Trigger()),
        max_concurrency=int(found.max_concurrency or 0),
        catches_up=not found.no_catchup,
    )
    return RecurringRun(
        str(found.recurring_run_id), str(found.display_name), found.status == "ENABLED", found.created_at, schedule
    )


def write_recurring_run(name: str, schedule: Schedule, *, enabled: bool) -> api.V2beta1RecurringRun:
    """A recurring run as the server takes it."""
    return api.V2beta1RecurringRun(
        display_name=name,
        experiment_id=schedule.experiment_id,
        pipeline_version_reference=api.V2beta1PipelineVersionReference(
            pipeline_id=schedule.pipeline_id, pipeline_version_id=schedule.version_id
        ),
        runtime_config=api.V2beta1RuntimeConfig(parameters=dict(schedule.parameters)),
        trigger=api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=to_kubeflow(schedule.timing))),
        max_concurrency=str(schedule.max_concurrency),
        no_catchup=not schedule.catches_up,
        mode="ENABLE" if enabled else "DISABLE",
    )


def _describe_trigger(trigger: api.V2beta1Trigger) -> str:
    """The cron expression alone where there is nothing else, so that two of the same text are the same."""
    if trigger.cron_schedule is not None:
        limits, text = trigger.cron_schedule, from_kubeflow(trigger.cron_schedule.cron or "")
    elif trigger.periodic_schedule is not None:
        limits, text = trigger.periodic_schedule, f"every {trigger.periodic_schedule.interval_second} s"
    else:
        return "once"
    start = f" from {limits.start_time:%Y-%m-%d %H:%M}" if limits.start_time else ""
    end = f" to {limits.end_time:%Y-%m-%d %H:%M}" if limits.end_time else ""
    return text + start + end
