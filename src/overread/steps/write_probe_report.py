"""Step: write the report of `acquisition-bias`."""

import json
from datetime import UTC, datetime
from pathlib import Path

import overread
from overread.evaluation.acquisition_results import AcquisitionEvaluation
from overread.report.context import RunContext
from overread.steps.evaluate_probes import read_evaluation, read_scores
from overread.steps.fingerprint import compute_code_digest
from overread.steps.plan_probes import ProbePlan
from overread.steps.train_probes import STACKS_FILE, read_trainings
from overread.study.study import Study

PIPELINE = "acquisition-bias"


def run(
    study_folder: Path,
    plan_file: Path,
    probes_folder: Path,
    evaluation_folder: Path,
    *,
    report_file: Path,
    tracking_url: str = "",
) -> AcquisitionEvaluation:
    """Write the page.

    Args:
        study_folder: the study.
        plan_file: what `plan_probes` wrote.
        probes_folder: what `train_probes` wrote.
        evaluation_folder: what `evaluate_probes` wrote.
        report_file: the page to write.
        tracking_url: page of the run in MLflow; empty without tracking.
    """
    from overread.report.acquisition_bias import ProbeRun, write_acquisition_report
    from overread.training.probe_stacks import StackSummary

    plan, evaluation = ProbePlan.read(plan_file), read_evaluation(evaluation_folder)
    stacks = StackSummary.model_validate_json((probes_folder / STACKS_FILE).read_text(encoding="utf-8"))
    made = ProbeRun(
        classes=plan.classes,
        preset=plan.preset,
        folds=plan.folds,
        trainings=read_trainings(probes_folder),
        stacks=stacks,
    )
    write_acquisition_report(
        report_file,
        evaluation=evaluation,
        scores=read_scores(probes_folder),
        study=Study.open(study_folder),
        run=made,
        context=_build_context(plan, tracking_url),
    )
    return evaluation


def collect_metrics(evaluation: AcquisitionEvaluation) -> dict[str, float]:
    """The few figures by which runs are compared: AUROC and accuracy of every variant, and the strongest confounder."""
    metrics: dict[str, float] = {}
    for score in evaluation.variants:
        metrics |= {
            f"{score.variant}_auroc": score.auroc.estimate,
            f"{score.variant}_accuracy": score.accuracy.estimate,
        }
    if evaluation.confounding.columns:
        metrics["largest_cramers_v"] = evaluation.confounding.columns[0].corrected_v
    return metrics


def _build_context(plan: ProbePlan, tracking_url: str) -> RunContext:
    return RunContext(
        pipeline=PIPELINE,
        study=plan.study,
        revision=plan.revision,
        study_digest=plan.images_digest,
        source_digests={},
        code_version=overread.__version__,
        code_digest=compute_code_digest(),
        preset=plan.preset_name,
        settings_yaml=f"column: {json.dumps(plan.target)}\nseed: {plan.seed}\n{plan.preset.to_yaml()}",
        created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        tracking_url=tracking_url,
    )
