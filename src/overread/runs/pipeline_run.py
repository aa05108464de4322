"""The MLflow run that all steps of one pipeline run share."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from overread.adapters.environment import read_environment
from overread.adapters.storage import open_store
from overread.errors import TrackingError
from overread.runs.fingerprint import compute_code_digest
from overread.runs.run_identity import RunIdentity
from overread.runs.tracked_results import is_tracked
from overread.settings import Settings

if TYPE_CHECKING:
    from overread.adapters.tracking import RunTags, TrackedRun, Tracker

_LOGGER = logging.getLogger(__name__)


def connect(identity: RunIdentity, store: str) -> "Tracker":
    """Connect to MLflow for the study of a run."""
    from overread.adapters.tracking import connect_tracker

    return connect_tracker(identity.study, store=open_store(store))


def build_tags(identity: RunIdentity) -> "RunTags":
    """The tags that the pipeline run and its trainings have in common."""
    from overread.adapters.tracking import RunTags

    return RunTags(
        pipeline=identity.pipeline,
        preset=identity.preset_name,
        network=identity.network_names,
        study_digest=identity.study_digest,
        dvc_rev=identity.revision,
        git_commit=read_environment().code_commit or compute_code_digest()[:12],
    )


def open_pipeline_run(tracker: "Tracker", identity: RunIdentity) -> "TrackedRun":
    """Open, or join, the MLflow run of a pipeline run."""
    return tracker.open_pipeline_run(identity.pipeline, fingerprint=identity.run_fingerprint, tags=build_tags(identity))


def begin_pipeline_run(identity: RunIdentity, choices: Settings, *, study_uri: str, store: str) -> None:
    """Open the pipeline run in MLflow, unless MLflow has its report already.

    Args:
        identity: what names the run.
        choices: what the user chose, logged as parameters.
        study_uri: address of the study.
        store: address of the result store.
    """
    if is_tracked(open_store(store), identity.run_key):
        return
    with reaching_pipeline_run(identity, store) as tracked:
        if tracked is not None:
            tracked.log_study(identity.study, digest=identity.study_digest, revision=identity.revision, uri=study_uri)
            tracked.log_settings(choices.model_dump(mode="json"))
            tracked.log_settings({"preset_yaml": identity.settings_yaml})


@contextmanager
def reaching_pipeline_run(identity: RunIdentity, store: str) -> Iterator["TrackedRun | None"]:
    """Open, or join, the MLflow run of a pipeline run; None while MLflow is away, which loses no result."""
    from overread.adapters.mlflow_calls import TrackingOutageError

    try:
        opened = open_pipeline_run(connect(identity, store), identity)
    except TrackingOutageError as error:
        _LOGGER.warning("the pipeline goes on untracked: %s", error)
        yield None
        return
    with opened as run:
        yield run


@contextmanager
def failing_with_pipeline_run(identity: RunIdentity, store: str) -> Iterator[None]:
    """Mark the pipeline run as failed when the block raises."""
    try:
        yield
    except Exception:
        try:
            with open_pipeline_run(connect(identity, store), identity) as run:
                run.fail()
        except TrackingError as error:
            _LOGGER.warning("the failure could not be tracked: %s", error)
        raise
