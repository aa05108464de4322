"""The one place where environment variables are read, at run time and never at import."""

import os
from collections.abc import Mapping

from pydantic import Field

from overread.errors import SettingsError
from overread.settings import Settings

_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "tracking_uri": ("MLFLOW_TRACKING_URI",),
    "run_id": ("MLFLOW_RUN_ID",),
    "experiment_id": ("MLFLOW_EXPERIMENT_ID",),
    "store_url": ("OVERREAD_STORE",),
    "s3_endpoint_url": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "pushgateway_url": ("PUSHGATEWAY_URL",),
    "code_commit": ("OVERREAD_CODE_COMMIT",),
    "processes": ("OVERREAD_PROCESSES",),
    "jobs_per_task": ("OVERREAD_JOBS_PER_TASK",),
}
_TRACKING_DEFAULTS: Mapping[str, str] = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


class Environment(Settings):
    """What the surroundings of a step tell it. Credentials stay where git, boto3 and MLflow look for them."""

    tracking_uri: str | None = Field(None, description="MLFLOW_TRACKING_URI: MLflow server or sqlite:///file")
    run_id: str | None = Field(None, description="MLFLOW_RUN_ID: run of this pipeline run, opened by the platform")
    experiment_id: str | None = Field(None, description="MLFLOW_EXPERIMENT_ID: experiment of that run")
    store_url: str | None = Field(None, description="OVERREAD_STORE: folder or s3:// URL of resumable results")
    s3_endpoint_url: str | None = Field(
        None, description="AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL: address of an S3 server other than Amazon's"
    )
    pushgateway_url: str | None = Field(None, description="PUSHGATEWAY_URL: where batch tasks push their metrics")
    processes: int | None = Field(None, ge=1, description="OVERREAD_PROCESSES: most processes of a step at a time")
    jobs_per_task: int | None = Field(
        None, ge=0, description="OVERREAD_JOBS_PER_TASK: trainings that share a task and its GPU; 0 for all in one"
    )
    code_commit: str | None = Field(None, description="OVERREAD_CODE_COMMIT: git commit of Overread in this image")


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Read the environment of this process, or the given `variables`; an empty variable counts as unset.

    Raises:
        SettingsError: the S3 endpoint is not an http or https URL.
    """
    present = os.environ if variables is None else variables
    values = {
        field: next((present[name].strip() for name in names if present.get(name, "").strip()), None)
        for field, names in _VARIABLES.items()
    }
    endpoint = values["s3_endpoint_url"]
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise SettingsError("AWS_ENDPOINT_URL must start with http:// or https://", found=repr(endpoint))
    return Environment.parse(values, where="environment variables")


def set_tracking_defaults() -> None:
    """Give MLflow short waits, no progress bars and no usage reports, where the user has not said otherwise.

    MLflow reads these variables itself, at each request.
    """
    for name, value in _TRACKING_DEFAULTS.items():
        os.environ.setdefault(name, value)


def build_git_environment() -> dict[str, str]:
    """Environment of a git subprocess: never asks for a password, speaks English, ignores the repository of a hook."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
    }
    inherited.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
    return {**inherited, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
