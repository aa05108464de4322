"""`python -m pipelines`: list, run, compile, submit, upload and schedule the pipelines."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from overread.errors import OverreadError

app = App(
    name="python -m pipelines", help="List, run, compile, submit, upload and schedule the pipelines.", version_flags=[]
)


@app.command(name="list")
def list_pipelines() -> None:
    """Print every pipeline, its question and its parameters."""
    from pipelines.catalogue import PIPELINES

    for pipeline in PIPELINES.values():
        print(f"{pipeline.name}: {pipeline.question}")
        for name, parameter in pipeline.parameters.items():
            default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
            print(f"    {name}: {parameter.annotation.__name__}{default}")


@app.command
def run(
    name: str,
    *,
    study: Path | None = None,
    set: Annotated[tuple[str, ...], Parameter(name="--set", consume_multiple=True)] = (),
    workspace: Path | None = None,
) -> None:
    """Run a pipeline on this machine.

    Args:
        name: Name of the pipeline, for example rater-bias.
        study: Folder of the study; crowd-disagreement can do without, see its ratings and outcomes.
        set: Parameters as NAME=VALUE; lists as a,b,c.
        workspace: Where results are kept and reused; `.overread` in the study's folder, or in the current one
            without a study, if not given.
    """
    from pipelines.catalogue import find_pipeline, parse_arguments
    from pipelines.local import WORKSPACE, run_locally

    pipeline = find_pipeline(name)
    arguments = parse_arguments(pipeline, set)
    print(f"{pipeline.name}: {pipeline.question}", flush=True)
    finished = run_locally(pipeline, study, arguments, workspace=workspace or (study or Path()) / WORKSPACE)
    print("", *pipeline.summarise(finished.folder), "", f"report: {finished.folder / 'report.html'}", sep="\n")


@app.command(name="compile")
def compile_all(*names: str) -> None:
    """Write the packages that the Kubeflow UI takes into pipelines/packages.

    Args:
        names: Names of pipelines; all if none is given.
    """
    from pipelines.catalogue import PIPELINES, find_pipeline
    from pipelines.compiling import compile_pipeline

    for name in names or PIPELINES:
        pipeline = find_pipeline(name)
        compile_pipeline(pipeline, pipeline.package)
        print(pipeline.package.relative_to(Path(__file__).parent.parent))


app.command("pipelines.kubeflow_commands:submit", help="Start a run on Kubeflow Pipelines.")
app.command("pipelines.kubeflow_commands:upload", help="Upload packages to Kubeflow Pipelines.")
app.command("pipelines.kubeflow_commands:schedule", help="Run a pipeline on Kubeflow Pipelines again and again.")
app.command("pipelines.kubeflow_commands:unschedule", help="Delete a recurring run from Kubeflow Pipelines.")


def main() -> None:
    """Run the command line; an error of Overread is one message and exit code 2."""
    from pipelines.failure import TaskFailureError

    try:
        app()
    except OverreadError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except TaskFailureError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
