"""What Overread asks of Kubeflow Pipelines, in its own words."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import kfp_server_api as api
from kfp.client import ServiceAccountTokenVolumeCredentials

from overread.kubeflow.connection import CheckedApiClient, Connection, Credentials, KubeflowError, read_credentials
from overread.kubeflow.cron import RecurringRun, Schedule, read_recurring_run, write_recurring_run

_PAGE_SIZE = 100


@dataclass(frozen=True)
class Version:
    """A version of a pipeline on the server.

    Attributes:
        version_id: its ID.
        name: its name.
    """

    version_id: str
    name: str


def connect(connection: Connection) -> "KubeflowClient":
    """Prepare a client; nothing is asked of the server yet.

    Raises:
        SettingsError: an option or a variable of the environment breaks a rule.
    """
    connection.check()
    return KubeflowClient(connection, read_credentials(connection.token_file))


class KubeflowClient:
    """Pipelines, experiments, runs and recurring runs of one Kubeflow, in one namespace.

    Every method raises KubeflowError when the server cannot be reached or refuses.

    Args:
        connection: where the server is.
        credentials: who asks.
    """

    def __init__(self, connection: Connection, credentials: Credentials) -> None:
        self._namespace = connection.namespace
        self._ui = (connection.ui_host or connection.host).rstrip("/")
        http = CheckedApiClient(
            _configure(connection, credentials), cookie=credentials.cookie or None, timeout_seconds=connection.timeout
        )
        self._pipelines = api.PipelineServiceApi(http)
        self._uploads = api.PipelineUploadServiceApi(http)
        self._experiments = api.ExperimentServiceApi(http)
        self._runs = api.RunServiceApi(http)
        self._recurring_runs = api.RecurringRunServiceApi(http)

    def find_pipeline(self, name: str) -> str | None:
        """ID of the pipeline of that name; None where there is none."""

        def list_page(token: str) -> Any:
            return self._pipelines.pipeline_service_list_pipelines(
                namespace=self._namespace, page_token=token, page_size=_PAGE_SIZE, filter=_select(name)
            )

        found = _find(name, list_page, "pipelines")
        return None if found is None else str(found.pipeline_id)

    def create_pipeline(self, name: str, description: str) -> str:
        """Make a pipeline without a version; its ID."""
        pipeline = api.V2beta1Pipeline(name=name, display_name=name, description=description, namespace=self._namespace)
        return str(self._pipelines.pipeline_service_create_pipeline(pipeline).pipeline_id)

    def find_version(self, pipeline_id: str, name: str) -> str | None:
        """ID of the version of that name of a pipeline; None where there is none."""

        def list_page(token: str) -> Any:
            return self._pipelines.pipeline_service_list_pipeline_versions(
                pipeline_id, page_token=token, page_size=_PAGE_SIZE, filter=_select(name)
            )

        found = _find(name, list_page, "pipeline_versions")
        return None if found is None else str(found.pipeline_version_id)

    def find_newest_version(self, pipeline_id: str) -> Version | None:
        """The version of a pipeline that was uploaded last; None where there is none."""
        page = self._pipelines.pipeline_service_list_pipeline_versions(
            pipeline_id, page_size=1, sort_by="created_at desc"
        )
        for version in page.pipeline_versions or ():
            return Version(str(version.pipeline_version_id), str(version.display_name))
        return None

    def read_version_name(self, pipeline_id: str, version_id: str) -> str:
        """Name of a version; its ID where it was deleted."""
        try:
            version = self._pipelines.pipeline_service_get_pipeline_version(pipeline_id, version_id)
        except KubeflowError as error:
            if not _says_absent(error):
                raise
            return version_id
        return str(version.display_name)

    def upload_version(self, pipeline_id: str, package: Path, *, name: str, description: str) -> str:
        """Add a package to a pipeline as its newest version; the version's ID."""
        version = self._uploads.upload_pipeline_version(
            str(package), name=name, display_name=name, pipelineid=pipeline_id, description=description
        )
        return str(version.pipeline_version_id)

    def find_experiment(self, name: str) -> str | None:
        """ID of the experiment of that name; None where there is none."""

        def list_page(token: str) -> Any:
            return self._experiments.experiment_service_list_experiments(
                namespace=self._namespace, page_token=token, page_size=_PAGE_SIZE, filter=_select(name)
            )

        found = _find(name, list_page, "experiments")
        return None if found is None else str(found.experiment_id)

    def ensure_experiment(self, name: str) -> str:
        """ID of the experiment of that name, which is made where there is none."""
        if found := self.find_experiment(name):
            return found
        experiment = api.V2beta1Experiment(display_name=name, namespace=self._namespace)
        return str(self._experiments.experiment_service_create_experiment(experiment).experiment_id)

    def read_experiment_name(self, experiment_id: str) -> str:
        """Name of an experiment; its ID where it was deleted."""
        try:
            return str(self._experiments.experiment_service_get_experiment(experiment_id).display_name)
        except KubeflowError as error:
            if not _says_absent(error):
                raise
            return experiment_id

    def start_run(
        self, name: str, *, experiment_id: str, pipeline_spec: Mapping[str, Any], arguments: Mapping[str, Any]
    ) -> str:
        """Start a run of a compiled pipeline; its ID."""
        run = api.V2beta1Run(
            display_name=name,
            experiment_id=experiment_id,
            pipeline_spec=dict(pipeline_spec),
            runtime_config=api.V2beta1RuntimeConfig(parameters=dict(arguments)),
        )
        return str(self._runs.run_service_create_run(run).run_id)

    def read_run(self, run_id: str) -> api.V2beta1Run:
        """The run as it is now, with its tasks."""
        return self._runs.run_service_get_run(run_id)

    def list_recurring_runs(self, name: str | None = None) -> list[RecurringRun]:
        """Recurring runs of that very name, for several may have it; all without a name."""

        def list_page(token: str) -> Any:
            return self._recurring_runs.recurring_run_service_list_recurring_runs(
                namespace=self._namespace,
                page_token=token,
                page_size=_PAGE_SIZE,
                filter=None if name is None else _select(name),
            )

        # One that the server itself cannot read is listed by its ID alone, without a name.
        items = _list_items(list_page, "recurring_runs")
        return [read_recurring_run(item) for item in items if name in (None, item.display_name)]

    def create_recurring_run(self, name: str, schedule: Schedule, *, enabled: bool) -> str:
        """Make a recurring run; its ID."""
        made = self._recurring_runs.recurring_run_service_create_recurring_run(
            write_recurring_run(name, schedule, enabled=enabled)
        )
        return str(made.recurring_run_id)

    def enable_recurring_run(self, recurring_run_id: str) -> None:
        """Let a recurring run start runs again."""
        self._recurring_runs.recurring_run_service_enable_recurring_run(recurring_run_id)

    def delete_recurring_run(self, recurring_run_id: str) -> None:
        """Delete a recurring run, which may be gone already; a run that it has started goes on."""
        try:
            # Without ORPHAN, Kubernetes deletes what the recurring run owns, and so ends a training in progress.
            self._recurring_runs.recurring_run_service_delete_recurring_run(
                recurring_run_id, propagation_policy="ORPHAN"
            )
        except KubeflowError as error:
            if not _says_absent(error):
                raise

    def name_recurring_run_page(self, recurring_run_id: str) -> str:
        """Address of the recurring run in the user interface."""
        return f"{self._ui}/#/recurringrun/details/{recurring_run_id}"

    def name_run_page(self, run_id: str) -> str:
        """Address of the run in the user interface."""
        return f"{self._ui}/#/runs/details/{run_id}"

    def name_version_page(self, pipeline_id: str, version_id: str) -> str:
        """Address of a pipeline's version in the user interface."""
        return f"{self._ui}/#/pipelines/details/{pipeline_id}/version/{version_id}"


class _TokenFile(ServiceAccountTokenVolumeCredentials):  # type: ignore[misc]
    """A token that is read again for each request, for the kubelet and logins renew theirs."""

    def refresh_api_key_hook(self, config: api.Configuration) -> None:
        """Put the present token into the configuration."""
        try:
            super().refresh_api_key_hook(config)
        except (OSError, UnicodeDecodeError) as error:
            raise KubeflowError("the token's file must be readable", found=error) from error
        if not config.api_key["authorization"]:
            raise KubeflowError("the token's file must hold a token", found="an empty file", where=self._token_path)


def _configure(connection: Connection, credentials: Credentials) -> api.Configuration:
    configuration = api.Configuration(host=connection.host.rstrip("/"))
    if connection.ca_cert is not None:
        configuration.ssl_ca_cert = str(connection.ca_cert)
    if credentials.token or credentials.token_file:
        configuration.api_key["authorization"] = credentials.token or "read from the file"
        configuration.api_key_prefix["authorization"] = "Bearer"
    if credentials.token_file is not None:
        configuration.refresh_api_key_hook = _TokenFile(str(credentials.token_file)).refresh_api_key_hook
    return configuration


def _select(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "string_value": name}]})


def _says_absent(error: KubeflowError) -> bool:
    return isinstance(error.__cause__, api.ApiException) and error.__cause__.status == HTTPStatus.NOT_FOUND


def _find(name: str, list_page: Callable[[str], Any], field: str) -> Any:
    """The item of that very name among all pages: databases compare names without regard to case."""
    return next((item for item in _list_items(list_page, field) if item.display_name == name), None)


def _list_items(list_page: Callable[[str], Any], field: str) -> Iterator[Any]:
    token = ""
    while True:
        page = list_page(token)
        yield from getattr(page, field) or ()
        if not (token := page.next_page_token or ""):
            return
