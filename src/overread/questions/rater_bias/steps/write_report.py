"""Step: write the report of `rater-bias`, and end its run in MLflow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.rater_bias.results import CrossEvaluation
from overread.questions.rater_bias.steps.classify_sources import read_classified_sources
from overread.questions.rater_bias.steps.cross_evaluate import (
    COMPARISONS_FILE,
    EVALUATION_FILE,
    REPEATS_FILE,
    read_evaluation,
)
from overread.questions.rater_bias.steps.evaluate_mixing import read_mixing
from overread.questions.rater_bias.steps.predictions import open_predictions
from overread.report.context import RunContext
from overread.runs.plan import TrainingPlan
from overread.runs.report_publishing import publish_report
from overread.study.study import Study
from overread.training.result import TrainingResult

if TYPE_CHECKING:
    from overread.adapters.tracking import TrackedRun


@dataclass(frozen=True)
class ResultFolders:
    """What the steps before have written.

    Attributes:
        predictions: held-out predictions.
        evaluation: from `cross_evaluate`.
        mixing: from `evaluate_mixing`, empty where no labels were mixed.
        classification: from `classify_sources`, empty where it was switched off.
    """

    predictions: Path
    evaluation: Path
    mixing: Path
    classification: Path

    def list_tables(self) -> list[Path]:
        """The files that are kept with the run."""
        found = [self.evaluation / name for name in (EVALUATION_FILE, COMPARISONS_FILE, REPEATS_FILE)]
        return found + [path for folder in (self.mixing, self.classification) for path in sorted(folder.glob("*.*"))]


def run(
    study_folder: Path,
    plan_file: Path,
    networks: Sequence[Path],
    results: ResultFolders,
    *,
    report_file: Path,
    store: str,
) -> CrossEvaluation:
    """Write the page, log figures and page to MLflow, and end the run there.

    Args:
        study_folder: the study.
        plan_file: the plan.
        networks: folders of the trainings.
        results: what the steps before have written.
        report_file: the page to write.
        store: address of the result store, which keeps the page too.
    """
    plan, evaluation = TrainingPlan.read(plan_file), read_evaluation(results.evaluation)

    def draw(page: Path, context: RunContext) -> None:
        _draw(page, plan, Study.open(study_folder), networks, results, context)

    def log(tracked: "TrackedRun") -> None:
        tracked.log_metrics(collect_metrics(evaluation))
        for path in results.list_tables():
            tracked.log_file(path)

    publish_report(plan, report_file, store=store, drawn_by=__name__, draw=draw, log=log, verdict=evaluation.verdict)
    return evaluation


def _draw(
    page: Path,
    plan: TrainingPlan,
    study: Study,
    networks: Sequence[Path],
    results: ResultFolders,
    context: RunContext,
) -> None:
    from overread.evaluation.table import read_comparisons
    from overread.questions.rater_bias.page.report import write_rater_bias_report

    write_rater_bias_report(
        page,
        evaluation=read_evaluation(results.evaluation),
        comparisons=read_comparisons(results.evaluation / COMPARISONS_FILE),
        study=study,
        predictions=open_predictions(results.predictions, study, plan.sources),
        trainings=[TrainingResult.read(folder) for folder in networks],
        context=context,
        mixing=read_mixing(results.mixing),
        classification=read_classified_sources(results.classification),
    )


def collect_metrics(evaluation: CrossEvaluation) -> dict[str, float]:
    """The few figures by which runs are compared; what is unknown is left out.

    `skill` is that of the rater whose networks learnt least.
    """
    metrics: dict[str, float | None] = {
        "same_dice": evaluation.same_dice.estimate,
        "skill": min((skill.value for skill in evaluation.rater_skills.values()), default=None),
        "two_sample_p": evaluation.two_sample_p,
    }
    if evaluation.cross_dice is not None:
        metrics["cross_dice"] = evaluation.cross_dice.estimate
    if (gap := evaluation.dice_gap) is not None:
        metrics |= {
            "dice_gap": gap.estimate,
            "dice_gap_low": gap.low,
            "dice_gap_high": gap.high,
            "dice_gap_p": gap.p_value,
            "dice_gap_smallest_detectable": gap.smallest_detectable,
            "dice_gap_run_std": gap.run_std,
        }
    if count := len(evaluation.pairs):
        metrics["source_load_consistency"] = sum(pair.source_order.consistency for pair in evaluation.pairs) / count
        metrics["network_load_consistency"] = sum(pair.network_order.consistency for pair in evaluation.pairs) / count
    return {name: value for name, value in metrics.items() if value is not None and math.isfinite(value)}
