"""MLflow as the steps use it: one experiment per study, one parent run per pipeline run, one child per training."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.adapters.environment import Environment, read_environment
from overread.adapters.mlflow_calls import (
    TrackingOutageError,
    apply_operation,
    describing_tracking_failures,
    opening_client,
    parse_database_path,
    read_last_steps,
)
from overread.adapters.outbox import replay_outbox
from overread.adapters.storage import ResultStore
from overread.adapters.tracked_run import MAX_METRIC_NAMES, Ending, TrackedRun
from overread.adapters.tracking_records import RunTags, SetStatus, SetTags
from overread.adapters.urls import hide_credentials
from overread.errors import TrackingError

__all__ = ["MAX_METRIC_NAMES", "RunTags", "TrackedRun", "Tracker", "TrackingOutageError", "connect_tracker"]

_FINGERPRINT_TAG = "overread.fingerprint"
_PARENT_TAG = "mlflow.parentRunId"
_MODEL_TRAINING_VIEW = {"mlflow.experimentKind": "custom_model_development"}


@dataclass(frozen=True)
class Tracker:
    """A study's experiment in MLflow; make one with `connect_tracker`.

    Attributes:
        client: an `MlflowClient`.
        uri: address of MLflow.
        experiment_id: where its runs are.
        store: where the outbox is.
        platform_run_id: run that the platform opened for this pipeline run, if it did.
    """

    client: Any
    uri: str
    experiment_id: str
    store: ResultStore
    platform_run_id: str | None

    def open_run(self, name: str, *, fingerprint: str, tags: RunTags, parent_run_id: str | None = None) -> TrackedRun:
        """Open the run of a training, or go on with the one that has its fingerprint, finished or not.

        Args:
            name: shown in MLflow.
            fingerprint: names what is done: data, settings and code. Letters, digits, `_`, `.` and `-`.
            tags: set anew at each opening.
            parent_run_id: run of the pipeline run; None for the one that the platform opened, if it did.

        Raises:
            TrackingOutageError: MLflow cannot be reached.
            TrackingError: MLflow refused.
        """
        return self._open(name, fingerprint, tags, parent_run_id or self.platform_run_id, "at_exit")

    def open_pipeline_run(self, name: str, *, fingerprint: str, tags: RunTags) -> TrackedRun:
        """Join the run that the platform opened for this pipeline run, or open it as `open_run` does.

        All steps of a pipeline run open it with the same fingerprint. Leaving its `with` block does not end it, unless
        by an error: the last step calls `finish`.
        """
        if self.platform_run_id is None:
            return self._open(name, fingerprint, tags, None, "on_finish")
        apply_operation(self.client, self.platform_run_id, SetTags(values=tags.to_text()), files=Path())
        return self._wrap(self.platform_run_id, "by_platform", is_new=False)

    def find_run(self, fingerprint: str) -> str | None:
        """Id of the oldest run with a fingerprint, None if there is none."""
        if not re.fullmatch(r"[A-Za-z0-9_.-]+", fingerprint):
            raise TrackingError(f"a fingerprint must be letters, digits, '_', '.' and '-' only, got {fingerprint!r}.")
        with describing_tracking_failures("find a run"):
            runs = self.client.search_runs(
                [self.experiment_id], filter_string=f"tags.`{_FINGERPRINT_TAG}` = '{fingerprint}'"
            )
        ids = [run.info.run_id for run in sorted(runs, key=lambda run: (run.info.start_time, run.info.run_id))]
        return ids[0] if ids else None

    def has_finished(self, fingerprint: str) -> bool:
        """Whether there is a run with a fingerprint and it has ended well."""
        run_id = self.find_run(fingerprint)
        if run_id is None:
            return False
        with describing_tracking_failures(f"read run {run_id}"):
            return bool(self.client.get_run(run_id).info.status == "FINISHED")

    def download_file(self, run_id: str, artifact: str, folder: Path) -> Path:
        """Copy an artifact (a file or a folder) of a run into `folder` and return its path there."""
        folder.mkdir(parents=True, exist_ok=True)
        with describing_tracking_failures(f"read {artifact} of run {run_id}"):
            return Path(self.client.download_artifacts(run_id, artifact, str(folder)))

    def _open(self, name: str, fingerprint: str, tags: RunTags, parent: str | None, ending: Ending) -> TrackedRun:
        run_id = self.find_run(fingerprint)
        values = {**tags.to_text(), _FINGERPRINT_TAG: fingerprint, **({_PARENT_TAG: parent} if parent else {})}
        if run_id is None:
            run_id, is_new = self._create_once(name, fingerprint, values), True
        else:
            is_new = False
            apply_operation(self.client, run_id, SetStatus(status="RUNNING"), files=Path())
            apply_operation(self.client, run_id, SetTags(values=values), files=Path())
        return self._wrap(run_id, ending, is_new=is_new)

    def _create_once(self, name: str, fingerprint: str, tags: dict[str, str]) -> str:
        """Create a run; if another process created one at the same time, both take the older."""
        with describing_tracking_failures("open a run"):
            created: str = self.client.create_run(self.experiment_id, run_name=name, tags=tags).info.run_id
        oldest = self.find_run(fingerprint)
        if oldest is None or oldest == created:
            return created
        with describing_tracking_failures("drop a run that was opened twice"):
            self.client.delete_run(created)
        return oldest

    def _wrap(self, run_id: str, ending: Ending, *, is_new: bool) -> TrackedRun:
        with describing_tracking_failures(f"read run {run_id}"):
            last_steps = {} if is_new else read_last_steps(self.client, run_id)
        return TrackedRun(
            self.client,
            self.store,
            run_id,
            tracking_uri=self.uri,
            url=self._build_url(run_id),
            ending=ending,
            last_steps=last_steps,
        )

    def _build_url(self, run_id: str) -> str:
        address = hide_credentials(self.uri).rstrip("/")
        if address.startswith("http"):
            return f"{address}/#/experiments/{self.experiment_id}/runs/{run_id}"
        return f"{address} (run {run_id})"


def connect_tracker(study: str, *, store: ResultStore, workspace: Path | None = None) -> Tracker:
    """Connect to MLflow, make the study's experiment if needed, and tell what the outbox holds.

    MLflow is the one that MLFLOW_TRACKING_URI names, else the SQLite file `<workspace>/mlflow.db` with artifacts in
    `<workspace>/mlartifacts`, whose first creation takes about seven seconds. Several processes may do so at once.

    Args:
        study: name of the study, which is the name of the experiment, unless the platform has opened a run elsewhere.
        store: where the outbox is.
        workspace: folder of the local MLflow.

    Raises:
        TrackingOutageError: MLflow cannot be reached.
        TrackingError: there is neither MLFLOW_TRACKING_URI nor a workspace, or MLflow refused.
    """
    environment = read_environment()
    with opening_client(workspace) as (client, uri):
        experiment_id = _find_platform_experiment(client, environment) or _make_experiment(client, study, uri)
    replay_outbox(client, store, tracking_uri=uri)
    return Tracker(client, uri, experiment_id, store, environment.run_id)


def _find_platform_experiment(client: Any, environment: Environment) -> str | None:
    if environment.run_id is None:
        return environment.experiment_id
    return environment.experiment_id or str(client.get_run(environment.run_id).info.experiment_id)


def _make_experiment(client: Any, name: str, uri: str) -> str:
    from mlflow.exceptions import MlflowException

    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        database = parse_database_path(uri)
        location = None if database is None else (database.parent.resolve() / "mlartifacts" / name).as_uri()
        try:
            return str(client.create_experiment(name, artifact_location=location, tags=_MODEL_TRAINING_VIEW))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        experiment = client.get_experiment_by_name(name)
    if experiment.lifecycle_stage != "active":
        raise TrackingError(
            f"the experiment {name!r} must not be deleted. "
            f"Hint: `mlflow experiments restore --experiment-id {experiment.experiment_id}`."
        )
    return str(experiment.experiment_id)
