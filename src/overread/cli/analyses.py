"""`overread run`, `disagreement` and `acquisition-bias`: whole analyses on this machine.

Every command imports what it needs when it is called.
"""

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


def disagreement(
    *,
    output: Path,
    ratings: str = "",
    outcomes: str = "",
    study: Path | None = None,
    source: Annotated[tuple[str, ...], Parameter(consume_multiple=True, negative=())] = (),
    outcome: str = "",
    positive: str = "",
    columns: str = "",
    preset: str = "ratings",
    folds: int = 0,
    seed: int = 0,
) -> None:
    """Tell an outcome from ratings, or from the disagreement of the sources of a study, and write a report.

    Args:
        output: Folder that gets report.html and the tables behind it.
        ratings: CSV table of ratings, a path or s3:// URL; long (case_id, annotator, feature, value) or one column per
            feature and annotator.
        outcomes: CSV table with the outcome of each case, a path or s3:// URL.
        study: Folder of a study, instead of ratings and outcomes.
        source: Sources of the study to compare; all that are not derived from others if none is given.
        outcome: Column with two classes; the only one of the table, or that named in study.yaml, if not given.
        positive: Value of the positive class; 1, yes or true, or else the last in alphabetical order, if not given.
        columns: Pattern of the columns of ratings, as {feature}_{annotator}; guessed if not given.
        preset: ratings, cheplygina2018, or the path of a YAML file.
        folds: Folds of the cross-validation; those of the preset if 0.
        seed: Another seed divides the cases into other folds.
    """
    from overread.questions.crowd_disagreement.steps import report_disagreement
    from overread.questions.crowd_disagreement.steps.disagreement_choice import DisagreementChoice

    values: dict[str, object] = {"outcome": outcome, "positive": positive, "columns": columns, "sources": source}
    values |= {"preset": preset, "folds": folds, "seed": seed}
    choice = DisagreementChoice.parse(values, where="overread disagreement")
    print(report_disagreement.run(choice, ratings=ratings, outcomes=outcomes, study_folder=study, output=output))


def acquisition_bias(
    folder: Path,
    *,
    output: Path,
    column: str,
    preset: str = "small",
    classes: str = "",
    folds: int | None = None,
    seed: int = 0,
    processes: int | None = None,
    device: str = "auto",
) -> None:
    """Probe whether the images of a study tell how they were acquired, and where in the image that shows.

    Args:
        folder: Folder of the study; it needs no sources.
        output: New folder for the report and all that it is made from.
        column: Column of cases.csv that the probe is to name, for example manufacturer.
        preset: small, name-that-manufacturer (the paper's) or the path of a YAML file.
        classes: Values of the column to tell apart, separated by commas; all if not given.
        folds: Rounds of the cross-validation, 3 or more; the preset's if not given, which small sets to 10 from 40
            subjects on (and 10 of each class), else to 5.
        seed: Another seed draws other folds, starts and shuffles.
        processes: Probes trained side by side; as many as there are cores if not given.
        device: auto, cpu or cuda.
    """
    from overread.questions.acquisition_bias.steps import probe_acquisition
    from overread.questions.acquisition_bias.steps.plan_probes import ProbeChoice
    from overread.settings import split_list

    values = {"column": column, "preset": preset, "classes": split_list(classes), "folds": folds, "seed": seed}
    choice = ProbeChoice.parse(values, where="overread acquisition-bias")
    print(probe_acquisition.run(folder, output, choice, processes=processes, device=device))
