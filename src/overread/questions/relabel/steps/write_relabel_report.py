"""Step: write the report of `relabel`, and end its run in MLflow."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.relabel.evaluation import collect_metrics, tell_verdict
from overread.questions.relabel.results import RelabelEvaluation
from overread.questions.relabel.steps.evaluate_relabelling import (
    DICE_FILE,
    EVALUATION_FILE,
    LABELS_FILE,
    read_relabel_evaluation,
    read_relabelled_masks,
)
from overread.report.context import RunContext
from overread.runs.plan import TrainingPlan
from overread.runs.report_publishing import publish_report
from overread.study.label_set import LabelSet
from overread.study.study import Study

if TYPE_CHECKING:
    from overread.adapters.tracked_run import TrackedRun


def run(
    study_folder: Path, plan_file: Path, evaluation_folder: Path, *, report_file: Path, store: str
) -> RelabelEvaluation:
    """Write the page, log figures and page to MLflow, and end the run there.

    Args:
        study_folder: the study with the noisy and the relabelled sources.
        plan_file: the plan.
        evaluation_folder: what `evaluate_relabelling` wrote.
        report_file: the page to write.
        store: address of the result store, which keeps the page too.
    """
    plan, evaluation = TrainingPlan.read(plan_file), read_relabel_evaluation(evaluation_folder)
    study = Study.open(study_folder)

    def draw(page: Path, context: RunContext) -> None:
        from overread.questions.relabel.page.report import write_relabel_report

        write_relabel_report(
            page,
            evaluation=evaluation,
            relabelled=read_relabelled_masks(evaluation_folder),
            study=study,
            labels=_open_labels(study, evaluation),
            context=context,
        )

    def log(tracked: "TrackedRun") -> None:
        tracked.log_metrics(collect_metrics(evaluation))
        for name in (EVALUATION_FILE, DICE_FILE, LABELS_FILE):
            tracked.log_file(evaluation_folder / name)

    publish_report(
        plan,
        report_file,
        store=store,
        drawn_by=__name__,
        draw=draw,
        log=log,
        verdict=tell_verdict(evaluation),
    )
    return evaluation


def _open_labels(study: Study, evaluation: RelabelEvaluation) -> Mapping[str, LabelSet]:
    """The label sets that the page shows, by the names that it has for them."""
    labels = {"clean": study.labels(evaluation.clean_source)} if evaluation.clean_source else {}
    labels |= {f"noisy:{noise.name}": study.labels(noise.source) for noise in evaluation.noises}
    return labels | {
        f"relabelled:{source.noise}:{source.method}": study.labels(source.name) for source in evaluation.sources
    }
