"""What a recurring run is to be like, from what the user asks for and what was uploaded."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from overread.adapters.urls import hide_credentials, is_remote
from overread.errors import SettingsError
from pipelines.catalogue import Pipeline
from pipelines.kubeflow_client import KubeflowClient
from pipelines.kubeflow_errors import KubeflowError
from pipelines.schedule_recurring_run import Schedule
from pipelines.submitting import read_run_arguments


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
            hint=f"run python -m pipelines upload {pipeline.name}, and check --namespace",
        )
    schedule = Schedule(
        pipeline_id, version.version_id, client.find_experiment(experiment) or "", dict(arguments), timing
    )
    return Target(name, pipeline.name, version.name, experiment, schedule)
