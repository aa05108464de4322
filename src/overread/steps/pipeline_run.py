"""The MLflow run that all steps of one pipeline run share."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from overread.adapters.environment import read_environment
from overread.adapters.storage import open_store
from overread.errors import TrackingError
from overread.steps.fingerprint import compute_code_digest
from overread.steps.plan import TrainingPlan

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
        network=plan.preset.network.architecture,
        study_digest=plan.study_digest,
        dvc_rev=plan.revision,
        git_commit=read_environment().code_commit or compute_code_digest()[:12],
    )


def open_pipeline_run(tracker: "Tracker", plan: TrainingPlan) -> "TrackedRun":
    """Open, or join, the MLflow run of a pipeline run."""
    return tracker.open_pipeline_run(plan.pipeline, fingerprint=plan.run_fingerprint, tags=build_tags(plan))


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
