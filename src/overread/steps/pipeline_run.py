"""The MLflow run that all steps of one pipeline run share."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from overread.adapters.environment import read_environment
from overread.adapters.storage import open_store
from overread.errors import TrackingError
from overread.settings import Settings
from overread.steps.fingerprint import compute_code_digest
from overread.steps.plan import TrainingPlan
from overread.steps.tracked_results import is_tracked

if TYPE_CHECKING:
    from overread.adapters.tracking import RunTags, TrackedRun, Tracker

_LOGGER = logging.getLogger(__name__)


def connect(plan: TrainingPlan, store: str) -> "Tracker":
    """Connect to MLflow for the study of a plan."""
    from overread.adapters.tracking import connect_tracker

    return connect_tracker(plan.study, store=open_store(store))


def build_tags(plan: TrainingPlan) -> "RunTags":
    """The tags that the pipeline run and its trainings have in common."""
    from overread.adapters.tracking import RunTags

    return RunTags(
        pipeline=plan.pipeline,
        preset=plan.preset_name,
        network="+".join(dict.fromkeys(job.network for job in plan.jobs)),
        study_digest=plan.study_digest,
        dvc_rev=plan.revision,
        git_commit=read_environment().code_commit or compute_code_digest()[:12],
    )


def open_pipeline_run(tracker: "Tracker", plan: TrainingPlan) -> "TrackedRun":
    """Open, or join, the MLflow run of a pipeline run."""
    return tracker.open_pipeline_run(plan.pipeline, fingerprint=plan.run_fingerprint, tags=build_tags(plan))


def begin_pipeline_run(plan: TrainingPlan, choices: Settings, *, study_uri: str, plan_file: Path, store: str) -> None:
    """Write the plan as JSON and open the pipeline run in MLflow, unless MLflow has its report already.

    Args:
        plan: the plan.
        choices: what the user chose, logged as parameters.
        study_uri: address of the study.
        plan_file: the file to write.
        store: address of the result store.
    """
    plan.write(plan_file)
    if is_tracked(open_store(store), plan.report_key):
        return
    with reaching_pipeline_run(plan, store) as tracked:
        if tracked is not None:
            tracked.log_study(plan.study, digest=plan.study_digest, revision=plan.revision, uri=study_uri)
            tracked.log_settings(choices.model_dump(mode="json"))
            tracked.log_settings({"preset_yaml": plan.preset.to_yaml()})


@contextmanager
def reaching_pipeline_run(plan: TrainingPlan, store: str) -> Iterator["TrackedRun | None"]:
    """Open, or join, the MLflow run of a pipeline run; None while MLflow is away, which loses no result."""
    from overread.adapters.mlflow_calls import TrackingOutageError

    try:
        opened = open_pipeline_run(connect(plan, store), plan)
    except TrackingOutageError as error:
        _LOGGER.warning("the pipeline goes on untracked: %s", error)
        yield None
        return
    with opened as run:
        yield run


@contextmanager
def failing_with_pipeline_run(plan: TrainingPlan, store: str) -> Iterator[None]:
    """Mark the pipeline run as failed when the block raises."""
    try:
        yield
    except Exception:
        try:
            with open_pipeline_run(connect(plan, store), plan) as run:
                run.fail()
        except TrackingError as error:
            _LOGGER.warning("the failure could not be tracked: %s", error)
        raise
