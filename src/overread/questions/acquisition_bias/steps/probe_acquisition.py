"""Step: the whole acquisition probe on a local study, from the plan to the page."""

import os
from pathlib import Path

from overread.errors import InputError, VersioningError
from overread.questions.acquisition_bias.results import VARIANT_TITLES, AcquisitionEvaluation
from overread.questions.acquisition_bias.steps import evaluate_probes
from overread.questions.acquisition_bias.steps.plan_probes import ProbeChoice, plan_probes
from overread.questions.acquisition_bias.steps.train_probes import train_probes
from overread.questions.acquisition_bias.steps.write_probe_report import draw_report
from overread.report.formatting import format_number
from overread.runs.report_publishing import build_context
from overread.runs.surroundings import limit_processes
from overread.study.output_folder import check_is_outside_labels
from overread.study.study import Study

PLAN_FILE = "plan.json"
PROBES_FOLDER = "probes"
PAGE_FILE = "report.html"


def run(
    study_folder: Path,
    output: Path,
    choice: ProbeChoice,
    *,
    processes: int | None = None,
    device: str = "auto",
) -> str:
    """Plan, train, evaluate and report.

    Args:
        study_folder: the study.
        output: new or empty folder; gets the plan, what the probes say, the evaluation and the page.
        choice: what the probes are to name.
        processes: probes side by side; as many as there are cores if None.
        device: auto, cpu or cuda.

    Returns:
        AUROC within folds and verdict of every region, and where the page is, for people.

    Raises:
        InputError: see `plan_probes`, or the output folder holds something.
    """
    check_is_outside_labels(study_folder, output)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError("the output folder must be new or empty", found=output, hint="choose another folder")
    plan = plan_probes(Study.open(study_folder), choice, revision=_find_revision(study_folder))
    plan_file, probes, page = output / PLAN_FILE, output / PROBES_FOLDER, output / PAGE_FILE
    plan.write(plan_file)
    side_by_side = limit_processes(processes or os.cpu_count() or 1)
    train_probes(study_folder, plan, plan.jobs, output=probes, processes=side_by_side, device=device)
    evaluation = evaluate_probes.run(study_folder, plan_file, [probes], output=output)
    draw_report(page, study_folder, plan, [probes], evaluation, context=build_context(plan, ""))
    return f"{describe_acquisition(evaluation)}\nreport: {page}"


def describe_acquisition(evaluation: AcquisitionEvaluation) -> str:
    """AUROC within folds and verdict of every region, in one line."""
    scores = ", ".join(
        f"{VARIANT_TITLES[score.variant]} {format_number(score.test.auroc.estimate, 2)} ({score.test.verdict})"
        for score in evaluation.variants
    )
    return f"AUROC for {evaluation.target}: {scores}"


def _find_revision(study_folder: Path) -> str:
    """The commit of the study; one that is no repository, or has uncommitted changes, is probed all the same."""
    from overread.adapters.versioning import resolve_revision

    try:
        return resolve_revision(str(study_folder), "")
    except VersioningError:
        return "not committed"
