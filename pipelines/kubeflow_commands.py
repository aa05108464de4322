"""The commands of `python -m pipelines` that talk to Kubeflow Pipelines."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from overread.errors import SettingsError
from pipelines.kubeflow_connection import Connection

_CHECKOUT = Path(__file__).parent.parent
_FROM_ENVIRONMENT = Connection()


def submit(
    name: str,
    *,
    set: Annotated[tuple[str, ...], Parameter(name="--set", consume_multiple=True)] = (),
    experiment: str = "Overread",
    wait: bool = False,
    interval: float = 5.0,
    connection: Connection = _FROM_ENVIRONMENT,
) -> None:
    """Start a run on Kubeflow Pipelines, of the package in pipelines/packages.

    Args:
        name: Name of the pipeline, for example rater-bias.
        set: Parameters as NAME=VALUE; lists as a,b,c.
        experiment: Experiment that the run belongs to; it is made if there is none of that name.
        wait: Show the tasks until the run ends; the exit code is 1 if it fails.
        interval: Seconds between two looks at the run.
        connection: How to reach Kubeflow Pipelines.
    """
    from pipelines.catalogue import find_pipeline
    from pipelines.kubeflow_client import connect
    from pipelines.package_file import read_package
    from pipelines.run_progress import RunProgress, follow_run
    from pipelines.submitting import read_run_arguments, submit_run

    if not interval > 0:
        raise SettingsError("--interval must be more than 0 seconds", found=interval)
    pipeline = find_pipeline(name)
    arguments, package, client = read_run_arguments(pipeline, set), read_package(pipeline), connect(connection)
    run = submit_run(client, pipeline, package, arguments, experiment=experiment)
    print(run.page, flush=True)
    if wait:
        follow_run(client, run.run_id, RunProgress(package.task_titles), interval_seconds=interval)


def upload(*names: str, connection: Connection = _FROM_ENVIRONMENT) -> None:
    """Upload packages to Kubeflow Pipelines, as versions named by commit and content.

    Args:
        names: Names of pipelines; all if none is given.
        connection: How to reach Kubeflow Pipelines.
    """
    from pipelines.catalogue import PIPELINES, find_pipeline
    from pipelines.kubeflow_client import connect
    from pipelines.uploading import find_clean_commit, upload_pipeline

    chosen, client = [find_pipeline(name) for name in names or PIPELINES], connect(connection)
    commit = find_clean_commit(_CHECKOUT)
    for pipeline in chosen:
        uploaded = upload_pipeline(client, pipeline, commit=commit)
        print(f"{uploaded.version}: {'uploaded' if uploaded.is_new else 'already there'}, {uploaded.page}", flush=True)
