"""The commands that talk to Kubeflow Pipelines."""

import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from overread.errors import SettingsError
from overread.kubeflow.connection import Connection

if TYPE_CHECKING:
    from overread.kubeflow.catalogue import Pipeline
    from overread.kubeflow.schedule import Target

_FROM_ENVIRONMENT = Connection()


def submit(
    name: str,
    *,
    set: Annotated[tuple[str, ...], Parameter(name="--set", consume_multiple=True)] = (),
    experiment: str = "Overread",
    wait: bool = False,
    interval: float = 5.0,
    connection: Connection = _FROM_ENVIRONMENT,
) -> None:
    """Start a run on Kubeflow Pipelines.

    Args:
        name: Name of the pipeline, for example rater-bias.
        set: Parameters as NAME=VALUE; lists as a,b,c.
        experiment: Experiment that the run belongs to; it is made if there is none of that name.
        wait: Show the tasks until the run ends; the exit code is 1 if it fails.
        interval: Seconds between two looks at the run.
        connection: How to reach Kubeflow Pipelines.
    """
    from overread.kubeflow.catalogue import find_pipeline
    from overread.kubeflow.client import connect
    from overread.kubeflow.run import RunProgress, follow_run, read_run_arguments, submit_run

    if not interval > 0:
        raise SettingsError("--interval must be more than 0 seconds", found=interval)
    pipeline = find_pipeline(name)
    arguments, package, client = read_run_arguments(pipeline, set), pipeline.compiled, connect(connection)
    run = submit_run(client, pipeline, package, arguments, experiment=experiment)
    print(run.page, flush=True)
    if wait:
        follow_run(client, run.run_id, RunProgress(package.task_titles), interval_seconds=interval)


def upload(*names: str, connection: Connection = _FROM_ENVIRONMENT) -> None:
    """Upload packages to Kubeflow Pipelines, as versions named by commit or release, and by content.

    Args:
        names: Names of pipelines; all if none is given.
        connection: How to reach Kubeflow Pipelines.
    """
    from overread.kubeflow.catalogue import PACKAGES, PIPELINES, find_pipeline
    from overread.kubeflow.client import connect
    from overread.kubeflow.code_origin import find_clean_origin
    from overread.kubeflow.uploading import upload_pipeline

    chosen, client = [find_pipeline(name) for name in names or PIPELINES], connect(connection)
    origin = find_clean_origin(PACKAGES)
    for pipeline in chosen:
        uploaded = upload_pipeline(client, pipeline, origin=origin)
        print(f"{uploaded.version}: {'uploaded' if uploaded.is_new else 'already there'}, {uploaded.page}", flush=True)


def schedule(
    name: str,
    /,
    *,
    cron: str,
    set: Annotated[tuple[str, ...], Parameter(name="--set", consume_multiple=True)] = (),
    experiment: str = "Overread",
    recurring_run: Annotated[str, Parameter(name="--name")] = "",
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    connection: Connection = _FROM_ENVIRONMENT,
) -> None:
    """Let Kubeflow Pipelines run the newest uploaded version of a pipeline again and again.

    Args:
        name: Name of the pipeline, for example rater-bias.
        cron: When: minute, hour, day of the month, month, day of the week, as in "0 3 * * MON-FRI"; in UTC, unless
            Kubeflow is set to another time zone.
        set: Parameters as NAME=VALUE; lists as a,b,c.
        experiment: Experiment that the runs belong to; it is made if there is none of that name.
        recurring_run: Name of the recurring run; that of the pipeline and the last part of the study's address if not
            given.
        dry_run: Show what would change, and change nothing.
        connection: How to reach Kubeflow Pipelines.
    """
    from overread.kubeflow.catalogue import find_pipeline
    from overread.kubeflow.client import connect
    from overread.kubeflow.cron import parse_cron
    from overread.kubeflow.schedule import (
        TIME_ZONE,
        apply_plan,
        describe_plan,
        find_target,
        name_recurring_run,
        plan_schedule,
        read_schedule_arguments,
    )

    pipeline, timing = find_pipeline(name), parse_cron(cron)
    arguments, client = read_schedule_arguments(pipeline, set), connect(connection)
    title = recurring_run or name_recurring_run(pipeline, arguments)
    target = find_target(client, title, pipeline, arguments, timing=timing, experiment=experiment)
    _warn_of_other_package(pipeline, target)
    plan = plan_schedule(client, target)
    # Looked up before anything changes: what is deleted has no name any more.
    changes = describe_plan(client, plan)
    if dry_run:
        would = "" if plan.outcome == "unchanged" else "would be "
        print(f"{title}: {would}{plan.outcome}, {timing} ({TIME_ZONE})")
    else:
        page = client.name_recurring_run_page(apply_plan(client, plan))
        print(f"{title}: {plan.outcome}, {timing} ({TIME_ZONE}), {page}")
    for line in changes:
        print(f"  {line}")


def unschedule(
    name: str,
    /,
    *,
    recurring_run: Annotated[str, Parameter(name="--name")] = "",
    dry_run: Annotated[bool, Parameter(negative=())] = False,
    connection: Connection = _FROM_ENVIRONMENT,
) -> None:
    """Delete the recurring run of a pipeline from Kubeflow Pipelines; a run that it has started goes on.

    Args:
        name: Name of the pipeline, for example rater-bias.
        recurring_run: Name of the recurring run; the pipeline's only one if not given.
        dry_run: Show what would be deleted, and delete nothing.
        connection: How to reach Kubeflow Pipelines.
    """
    from overread.kubeflow.catalogue import find_pipeline
    from overread.kubeflow.client import connect
    from overread.kubeflow.schedule import describe_recurring_run, find_recurring_runs

    pipeline, client = find_pipeline(name), connect(connection)
    found = find_recurring_runs(client, pipeline, recurring_run)
    if not found:
        print(f"{recurring_run or pipeline.name}: there is no recurring run")
    for run in found:
        if not dry_run:
            client.delete_recurring_run(run.recurring_run_id)
        done = "would be deleted" if dry_run else "deleted"
        print(f"{run.name}: {done}, {describe_recurring_run(run)}", flush=True)


def _warn_of_other_package(pipeline: "Pipeline", target: "Target") -> None:
    """A schedule runs what was uploaded, which need not be what lies here: then somebody else uploads, or forgot to."""
    if not target.version.endswith(pipeline.compiled.digest[:8]):
        print(
            f"warning: {target.version}, the newest version, is not the package that lies here. "
            f"Hint: run overread upload {pipeline.name} first to schedule that.",
            file=sys.stderr,
        )
