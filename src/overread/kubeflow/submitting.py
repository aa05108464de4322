"""Starting runs on Kubeflow Pipelines."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from overread.errors import SettingsError
from overread.kubeflow.catalogue import Pipeline, parse_arguments
from overread.kubeflow.client import KubeflowClient
from overread.kubeflow.package_file import PackageFile


@dataclass(frozen=True)
class SubmittedRun:
    """A run that was started.

    Attributes:
        run_id: its ID.
        page: its address in the user interface.
    """

    run_id: str
    page: str


def read_run_arguments(pipeline: Pipeline, assignments: Sequence[str]) -> dict[str, Any]:
    """Turn `name=value` texts into the arguments of a run.

    Raises:
        SettingsError: an assignment breaks a rule, or a parameter without a default has no value.
    """
    arguments = parse_arguments(pipeline, assignments)
    missing = [
        name
        for name, parameter in pipeline.parameters.items()
        if parameter.default is inspect.Parameter.empty and name not in arguments
    ]
    if missing:
        given = " ".join(f"{name}=…" for name in missing)
        raise SettingsError(f"{pipeline.name} must have a value for {', '.join(missing)}", hint=f"add --set {given}")
    return arguments


def submit_run(
    client: KubeflowClient, pipeline: Pipeline, package: PackageFile, arguments: Mapping[str, Any], *, experiment: str
) -> SubmittedRun:
    """Start a run of a package.

    Args:
        client: the server.
        pipeline: what is run.
        package: its compiled form.
        arguments: parameters that differ from their defaults.
        experiment: name of the experiment that the run belongs to; it is made where there is none.

    Raises:
        KubeflowError: the server cannot be reached or refuses.
    """
    run_id = client.start_run(
        f"{pipeline.name} {datetime.now():%Y-%m-%d %H:%M:%S}",
        experiment_id=client.ensure_experiment(experiment),
        pipeline_spec=package.pipeline_spec,
        arguments=arguments,
    )
    return SubmittedRun(run_id, client.name_run_page(run_id))
