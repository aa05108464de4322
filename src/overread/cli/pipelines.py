"""The command that runs a pipeline on this machine."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def run(
    name: str = "",
    study: Path | None = None,
    *,
    set: Annotated[tuple[str, ...], Parameter(name="--set", consume_multiple=True)] = (),
    workspace: Path | None = None,
    list: Annotated[bool, Parameter(name="--list", negative=())] = False,
) -> None:
    """Run a pipeline on this machine.

    Args:
        name: Name of the pipeline, for example rater-bias.
        study: Folder of the study; crowd-disagreement can do without, see its ratings and outcomes.
        set: Parameters as NAME=VALUE; lists as a,b,c.
        workspace: Where results are kept and reused; `.overread` in the study's folder, or in the current one
            without a study, if not given.
        list: Print every pipeline, its question and its parameters instead.
    """
    from overread.kubeflow.catalogue import find_pipeline, parse_arguments

    if list:
        print_pipelines()
        return
    from overread.kubeflow.local import WORKSPACE, run_locally

    pipeline = find_pipeline(name)
    arguments = parse_arguments(pipeline, set)
    print(f"{pipeline.name}: {pipeline.question}", flush=True)
    finished = run_locally(pipeline, study, arguments, workspace=workspace or (study or Path()) / WORKSPACE)
    print("", *pipeline.summarise(finished.folder), "", f"report: {finished.folder / 'report.html'}", sep="\n")


def print_pipelines() -> None:
    """Print every pipeline, its question and its parameters."""
    from overread.kubeflow.catalogue import PIPELINES

    for pipeline in PIPELINES.values():
        print(f"{pipeline.name}: {pipeline.question}")
        for name, parameter in pipeline.parameters.items():
            default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
            print(f"    {name}: {parameter.annotation.__name__}{default}")
