"""Making the recurring runs of one name on Kubeflow Pipelines what they are to be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from overread.adapters.urls import hide_credentials
from overread.errors import SettingsError
from pipelines.catalogue import Pipeline
from pipelines.kubeflow_client import KubeflowClient
from pipelines.schedule_recurring_run import RecurringRun
from pipelines.schedule_target import Target


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
