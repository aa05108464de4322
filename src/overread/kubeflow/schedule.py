"""Recurring runs: what is wanted, what there is, and what makes the one of the other."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from overread.adapters.urls import hide_credentials, is_remote
from overread.errors import SettingsError
from overread.kubeflow.catalogue import Pipeline
from overread.kubeflow.client import KubeflowClient
from overread.kubeflow.connection import KubeflowError
from overread.kubeflow.cron import RecurringRun, Schedule
from overread.kubeflow.run import read_run_arguments


@dataclass(frozen=True)
class Target:
    """A schedule as it is to be.

    Attributes:
        name: of the recurring run.
        pipeline: name of the pipeline.
        version: name of its newest version.
        experiment: name of the experiment, which need not exist yet.
        schedule: the same by ID; the experiment's ID is empty where there is none.
    """

    name: str
    pipeline: str
    version: str
    experiment: str
    schedule: Schedule


def read_schedule_arguments(pipeline: Pipeline, assignments: Sequence[str]) -> dict[str, Any]:
    """Turn `name=value` texts into the arguments of every run.

    Raises:
        SettingsError: as for a single run, or the study is a path of this machine.
    """
    arguments = read_run_arguments(pipeline, assignments)
    study = str(arguments.get("study", ""))
    if study and not is_remote(study):
        raise SettingsError(
            "the study of a schedule must be an address that the cluster reaches",
            found=repr(study),
            hint="push its git repository and name that, for example study=https://GIT/STUDY.git",
        )
    return arguments


def name_recurring_run(pipeline: Pipeline, arguments: Mapping[str, Any]) -> str:
    """Default name, `retrain-discs` for https://GIT/discs.git: each study has a schedule of its own."""
    address = hide_credentials(str(arguments.get("study", ""))).rstrip("/").removesuffix(".git")
    study = re.split(r"[/:]", address)[-1]
    return f"{pipeline.name}-{study}" if study else pipeline.name


def find_target(
    client: KubeflowClient, name: str, pipeline: Pipeline, arguments: Mapping[str, Any], *, timing: str, experiment: str
) -> Target:
    """Find on the server what a schedule refers to.

    Args:
        client: the server.
        name: of the recurring run.
        pipeline: what is run, in its newest version.
        arguments: parameters that differ from their defaults.
        timing: cron expression of five fields.
        experiment: name of the experiment that the runs belong to.

    Raises:
        KubeflowError: the pipeline was not uploaded, or the server cannot be reached or refuses.
    """
    pipeline_id = client.find_pipeline(pipeline.name)
    version = None if pipeline_id is None else client.find_newest_version(pipeline_id)
    if pipeline_id is None or version is None:
        raise KubeflowError(
            f"{pipeline.name} must be uploaded before it is scheduled",
            found="no version of it in Kubeflow Pipelines",
            hint=f"run overread upload {pipeline.name}, and check --namespace",
        )
    schedule = Schedule(
        pipeline_id, version.version_id, client.find_experiment(experiment) or "", dict(arguments), timing
    )
    return Target(name, pipeline.name, version.name, experiment, schedule)


@dataclass(frozen=True)
class Plan:
    """What has to be done so that one recurring run of a name is left, and it is as it is to be.

    Attributes:
        target: as it is to be.
        kept: the recurring run that is like that already, but may be disabled; None where there is none.
        removed: all others of that name, beginning with the one that was in force.
    """

    target: Target
    kept: RecurringRun | None
    removed: tuple[RecurringRun, ...]

    @property
    def outcome(self) -> str:
        """What becomes of the schedule, in a word."""
        if self.kept is None:
            return "replaced" if self.removed else "created"
        return "unchanged" if self.kept.enabled else "enabled"

    @property
    def replaced(self) -> RecurringRun | None:
        """The recurring run in whose place a new one comes."""
        return self.removed[0] if self.kept is None and self.removed else None

    @property
    def duplicates(self) -> tuple[RecurringRun, ...]:
        """Recurring runs of that name beside the one that is kept or replaced."""
        return self.removed if self.replaced is None else self.removed[1:]


def plan_schedule(client: KubeflowClient, target: Target) -> Plan:
    """Compare what is there with what is to be; nothing is changed.

    Raises:
        SettingsError: a recurring run of that name runs another pipeline, or the pipeline on another study.
        KubeflowError: the server cannot be reached or refuses.
    """
    there = client.list_recurring_runs(target.name)
    for run in there:
        _check_is_same(run, target)
    there.sort(key=lambda run: (run.enabled, run.created_at), reverse=True)
    kept = next((run for run in there if run.schedule == target.schedule), None)
    return Plan(target, kept, tuple(run for run in there if run is not kept))


def apply_plan(client: KubeflowClient, plan: Plan) -> str:
    """Make the schedule what it is to be; the ID of its recurring run.

    Kubeflow cannot change a recurring run, so another one takes its place. It is made first and disabled: if it is
    refused, the old one goes on as it was, and if what follows fails, never do both start runs. An interruption before
    the last request leaves the old one alone in force, or none when it was deleted already; the next call finds the new
    one as it is to be, deletes what is left of the others and enables it.

    Raises:
        KubeflowError: the server cannot be reached or refuses.
    """
    recurring_run_id = _create(client, plan) if plan.kept is None else plan.kept.recurring_run_id
    for run in plan.removed:
        client.delete_recurring_run(run.recurring_run_id)
    if plan.outcome in ("replaced", "enabled"):
        client.enable_recurring_run(recurring_run_id)
    return recurring_run_id


def find_recurring_runs(client: KubeflowClient, pipeline: Pipeline, name: str) -> Sequence[RecurringRun]:
    """The recurring runs to be removed: the pipeline's of a name, or, without one, those of its only schedule.

    Raises:
        SettingsError: no name is given and the pipeline has several schedules, or all of that name run another one.
        KubeflowError: the server cannot be reached or refuses.
    """
    pipeline_id = client.find_pipeline(pipeline.name)
    if name:
        named = client.list_recurring_runs(name)
        own = [run for run in named if run.schedule.pipeline_id in ("", pipeline_id)]
        if named and not own:
            raise _build_refusal(name, f"run {pipeline.name}", "another pipeline")
        return own
    found = [run for run in client.list_recurring_runs() if run.schedule.pipeline_id == pipeline_id]
    if len(names := sorted({run.name for run in found})) > 1:
        raise SettingsError(
            f"{pipeline.name} must have one schedule, or --name say which one", found=", ".join(map(repr, names))
        )
    return found


def _check_is_same(run: RecurringRun, target: Target) -> None:
    if run.schedule.pipeline_id not in ("", target.schedule.pipeline_id):
        raise _build_refusal(run.name, f"run {target.pipeline}", "another pipeline")
    there, wanted = (hide_credentials(str(one.parameters.get("study", ""))) for one in (run.schedule, target.schedule))
    if there and wanted and there != wanted:
        raise _build_refusal(run.name, f"run on {wanted}", there)


def _build_refusal(name: str, rule: str, found: str) -> SettingsError:
    hint = "give yours another --name, or remove that one first, with `unschedule` or in Kubeflow's user interface"
    return SettingsError(f"the recurring run {name!r} must {rule} to be changed", found=found, hint=hint)


def _create(client: KubeflowClient, plan: Plan) -> str:
    target = plan.target
    schedule = replace(target.schedule, experiment_id=client.ensure_experiment(target.experiment))
    return client.create_recurring_run(target.name, schedule, enabled=not plan.removed)


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
