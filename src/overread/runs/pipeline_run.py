"""The MLflow run that all steps of one pipeline run share: what names it, and whether MLflow knows it to its end."""

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from overread.adapters.environment import read_environment
from overread.adapters.storage import ResultStore, open_store
from overread.errors import TrackingError
from overread.records import Result
from overread.runs.fingerprint import compute_code_digest
from overread.settings import Settings

if TYPE_CHECKING:
    from overread.adapters.tracking import RunTags, TrackedRun, Tracker

_LOGGER = logging.getLogger(__name__)


class RunIdentity(Protocol):
    """What MLflow, the result store and the report know a pipeline run by; plans have it."""

    @property
    def pipeline(self) -> str:
        """Name of the pipeline."""

    @property
    def study(self) -> str:
        """Name of the study, or of the data."""

    @property
    def study_digest(self) -> str:
        """SHA-256 over all that is read."""

    @property
    def source_digests(self) -> dict[str, str]:
        """SHA-256 over the masks of each source."""

    @property
    def revision(self) -> str:
        """Commit of the study."""

    @property
    def preset_name(self) -> str:
        """Name of the preset."""

    @property
    def settings_yaml(self) -> str:
        """Its full settings."""

    @property
    def network_names(self) -> str:
        """Architectures of the networks, joined by +; empty for none."""

    @property
    def run_fingerprint(self) -> str:
        """SHA-256 over data, settings and code."""

    @property
    def run_key(self) -> str:
        """Under which the result store notes that MLflow knows the run to its end."""


class AnalysisRun(Result):
    """A pipeline run that trains no segmentation network. See `RunIdentity`."""

    pipeline: str
    study: str
    study_digest: str
    source_digests: dict[str, str]
    revision: str
    preset_name: str
    settings_yaml: str
    network_names: str = ""
    run_fingerprint: str

    @property
    def run_key(self) -> str:
        """See `RunIdentity`."""
        return f"runs/{self.run_fingerprint}"


def is_tracked(store: ResultStore, key: str) -> bool:
    """Whether the present MLflow has been told of the result; never where the platform opens a run of its own."""
    environment = read_environment()
    return environment.run_id is None and store.contains_file(key, _name_mark(environment.tracking_uri))


def mark_tracked(store: ResultStore, key: str) -> None:
    """Note that the present MLflow has been told of the result."""
    with tempfile.TemporaryDirectory(prefix="overread-mark-") as scratch:
        mark = Path(scratch) / "mark"
        mark.touch()
        store.save_file(key, _name_mark(read_environment().tracking_uri), mark)


def _name_mark(tracking_uri: str | None) -> str:
    return f"tracked-{hashlib.sha256((tracking_uri or '').encode()).hexdigest()[:16]}"


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
