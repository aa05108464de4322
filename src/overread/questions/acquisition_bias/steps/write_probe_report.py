"""Step: write the report of `acquisition-bias`, and end its run in MLflow."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.acquisition_bias.results import AcquisitionEvaluation
from overread.questions.acquisition_bias.steps.evaluate_probes import EVALUATION_FILE, read_evaluation
from overread.questions.acquisition_bias.steps.probe_plan import ProbePlan
from overread.questions.acquisition_bias.steps.probe_results import (
    SCORES_FILE,
    read_scores,
    read_stacks,
    read_trainings,
)
from overread.report.context import RunContext
from overread.runs.report_publishing import publish_report
from overread.study.study import Study

if TYPE_CHECKING:
    from overread.adapters.tracked_run import TrackedRun


def run(
    study_folder: Path,
    plan_file: Path,
    probes: Sequence[Path],
    evaluation_folder: Path,
    *,
    report_file: Path,
    store: str,
) -> AcquisitionEvaluation:
    """Write the page, log figures and page to MLflow, and end the run there.

    Args:
        study_folder: the study.
        plan_file: what `plan_probes` wrote.
        probes: folders that `train_probes` wrote.
        evaluation_folder: what `evaluate_probes` wrote.
        report_file: the page to write.
        store: address of the result store, which keeps the page too.
    """
    plan, evaluation = ProbePlan.read(plan_file), read_evaluation(evaluation_folder)

    def draw(page: Path, context: RunContext) -> None:
        draw_report(page, study_folder, plan, probes, evaluation, context=context)

    def log(tracked: "TrackedRun") -> None:
        tracked.log_metrics(collect_metrics(evaluation))
        for name in (EVALUATION_FILE, SCORES_FILE):
            tracked.log_file(evaluation_folder / name)

    publish_report(plan, report_file, store=store, drawn_by=__name__, draw=draw, log=log, verdict=evaluation.verdict)
    return evaluation


def draw_report(
    page: Path,
    study_folder: Path,
    plan: ProbePlan,
    probes: Sequence[Path],
    evaluation: AcquisitionEvaluation,
    *,
    context: RunContext,
) -> None:
    """Write the page.

    Args:
        page: the file to write.
        study_folder: the study.
        plan: the plan.
        probes: folders that `train_probes` wrote.
        evaluation: the numbers.
        context: where they come from.
    """
    from overread.questions.acquisition_bias.page.report import ProbeRun, write_acquisition_report

    made = ProbeRun(
        classes=plan.classes,
        preset=plan.preset,
        folds=plan.folds,
        trainings=read_trainings(probes),
        stacks=read_stacks(probes),
    )
    write_acquisition_report(
        page,
        evaluation=evaluation,
        scores=read_scores(probes),
        study=Study.open(study_folder),
        run=made,
        context=context,
    )


def collect_metrics(evaluation: AcquisitionEvaluation) -> dict[str, float]:
    """The few figures by which runs are compared.

    AUROC within folds, whether it is told (1) or not (0), and accuracy of every region; the smallest p, corrected over
    the regions; the scatter of chance; and the strongest confounder.
    """
    metrics: dict[str, float] = {"chance_auroc_std": evaluation.chance_std}
    for score in evaluation.variants:
        metrics |= {
            f"{score.variant}_auroc": score.test.auroc.estimate,
            f"{score.variant}_told": float(score.test.is_told),
            f"{score.variant}_accuracy": score.accuracy.estimate,
        }
    if evaluation.joint_p is not None:
        metrics["smallest_p"] = evaluation.joint_p
    if evaluation.confounding.columns:
        metrics["largest_cramers_v"] = evaluation.confounding.columns[0].corrected_v
    return metrics
