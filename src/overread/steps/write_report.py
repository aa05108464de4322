"""Step: write the report of `rater-bias`, and end its run in MLflow."""

import shutil
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import overread
from overread.adapters.tracking import TrackedRun
from overread.evaluation.results import CrossEvaluation
from overread.report.context import RunContext
from overread.steps.cross_evaluate import COMPARISONS_FILE, EVALUATION_FILE, read_evaluation
from overread.steps.fingerprint import compute_code_digest
from overread.steps.pipeline_run import connect, failing_with_pipeline_run, open_pipeline_run
from overread.steps.plan import TrainingPlan
from overread.steps.predict_cases import open_predictions
from overread.study.study import Study
from overread.training.result import TrainingResult


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
    """Write the page, log figures and page to MLflow, and end the run there."""
    from overread.evaluation.table import read_comparisons
    from overread.report.rater_bias import write_rater_bias_report

    plan, study = TrainingPlan.read(plan_file), Study.open(study_folder)
    evaluation = read_evaluation(evaluation_folder)
    with failing_with_pipeline_run(plan, store), open_pipeline_run(connect(plan, store), plan) as tracked:
        write_rater_bias_report(
            report_file,
            evaluation=evaluation,
            comparisons=read_comparisons(evaluation_folder / COMPARISONS_FILE),
            study=study,
            predictions=open_predictions(predictions_folder, study, plan.sources),
            trainings=[TrainingResult.read(folder) for folder in networks],
            context=build_context(plan, tracked.url),
        )
        _log(tracked, evaluation, evaluation_folder, report_file)
        tracked.finish()
    return evaluation


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
        created=datetime.now(UTC).isoformat(timespec="seconds"),
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


def _log(tracked: TrackedRun, evaluation: CrossEvaluation, evaluation_folder: Path, report_file: Path) -> None:
    tracked.log_metrics(collect_metrics(evaluation))
    tracked.log_file(evaluation_folder / EVALUATION_FILE)
    tracked.log_file(evaluation_folder / COMPARISONS_FILE)
    with tempfile.TemporaryDirectory(prefix="overread-report-") as scratch:
        # MLflow shows a page only where its name ends in .html, which Kubeflow's artifact paths do not.
        tracked.log_file(Path(shutil.copyfile(report_file, Path(scratch) / "report.html")))
