"""Step: write the report of `rater-bias`, and end its run in MLflow."""

import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import overread
from overread.adapters.storage import open_store
from overread.evaluation.results import CrossEvaluation
from overread.report.context import RunContext
from overread.steps.cross_evaluate import COMPARISONS_FILE, EVALUATION_FILE, read_evaluation
from overread.steps.fingerprint import compute_code_digest
from overread.steps.pipeline_run import failing_with_pipeline_run, reaching_pipeline_run
from overread.steps.plan import TrainingPlan
from overread.steps.predict_cases import open_predictions
from overread.steps.tracked_results import is_tracked, mark_tracked
from overread.study.study import Study
from overread.training.result import TrainingResult

if TYPE_CHECKING:
    from overread.adapters.tracking import TrackedRun

_PAGE = "report.html"


def run(
    study_folder: Path,
    plan_file: Path,
    networks: Sequence[Path],
    predictions_folder: Path,
    evaluation_folder: Path,
    *,
    report_file: Path,
    store: str,
) -> CrossEvaluation:
    """Write the page, log figures and page to MLflow, and end the run there.

    Args:
        study_folder: the study.
        plan_file: the plan.
        networks: folders of the trainings.
        predictions_folder: held-out predictions.
        evaluation_folder: what `cross_evaluate` wrote.
        report_file: the page to write.
        store: address of the result store, which keeps the page too.
    """
    plan, results = TrainingPlan.read(plan_file), open_store(store)
    evaluation = read_evaluation(evaluation_folder)
    with tempfile.TemporaryDirectory(prefix="overread-report-") as scratch:
        page = Path(scratch) / "report" / _PAGE
        if not (is_tracked(results, plan.report_key) and results.fetch(plan.report_key, page.parent)):
            with failing_with_pipeline_run(plan, store), reaching_pipeline_run(plan, store) as tracked:
                context = build_context(plan, tracked.url if tracked else "")
                _draw(page, plan, Study.open(study_folder), networks, predictions_folder, evaluation_folder, context)
                results.delete(plan.report_key)
                results.publish(plan.report_key, page.parent)
                if tracked is not None:
                    _log(tracked, evaluation, evaluation_folder, page)
            if tracked is not None and not tracked.is_cut_off:
                mark_tracked(results, plan.report_key)
        report_file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, report_file)
    return evaluation


def _draw(
    page: Path,
    plan: TrainingPlan,
    study: Study,
    networks: Sequence[Path],
    predictions_folder: Path,
    evaluation_folder: Path,
    context: RunContext,
) -> None:
    from overread.evaluation.table import read_comparisons
    from overread.report.rater_bias import write_rater_bias_report

    write_rater_bias_report(
        page,
        evaluation=read_evaluation(evaluation_folder),
        comparisons=read_comparisons(evaluation_folder / COMPARISONS_FILE),
        study=study,
        predictions=open_predictions(predictions_folder, study, plan.sources),
        trainings=[TrainingResult.read(folder) for folder in networks],
        context=context,
    )


def build_context(plan: TrainingPlan, tracking_url: str) -> RunContext:
    """What the report says about its own making."""
    return RunContext(
        pipeline=plan.pipeline,
        study=plan.study,
        revision=plan.revision,
        study_digest=plan.study_digest,
        source_digests=plan.source_digests,
        code_version=overread.__version__,
        code_digest=compute_code_digest(),
        preset=plan.preset_name,
        settings_yaml=plan.preset.to_yaml(),
        created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        tracking_url=tracking_url,
    )


def collect_metrics(evaluation: CrossEvaluation) -> dict[str, float]:
    """The few figures by which runs are compared."""
    metrics = {"same_dice": evaluation.same_dice.estimate}
    if evaluation.cross_dice is not None:
        metrics["cross_dice"] = evaluation.cross_dice.estimate
    if evaluation.dice_gap is not None:
        gap = evaluation.dice_gap
        metrics |= {"dice_gap": gap.estimate, "dice_gap_low": gap.low, "dice_gap_high": gap.high}
    for name, value in (("two_sample_p", evaluation.two_sample_p), ("paired_p", evaluation.paired_p)):
        if value is not None:
            metrics[name] = value
    if evaluation.pairs:
        count = len(evaluation.pairs)
        metrics["source_load_consistency"] = sum(pair.source_order.consistency for pair in evaluation.pairs) / count
        metrics["network_load_consistency"] = sum(pair.network_order.consistency for pair in evaluation.pairs) / count
    return metrics


def _log(tracked: "TrackedRun", evaluation: CrossEvaluation, evaluation_folder: Path, page: Path) -> None:
    tracked.log_metrics(collect_metrics(evaluation))
    for path in (evaluation_folder / EVALUATION_FILE, evaluation_folder / COMPARISONS_FILE, page):
        tracked.log_file(path)
    tracked.finish()
