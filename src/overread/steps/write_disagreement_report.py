"""Step: write the report of `crowd-disagreement`."""

from datetime import UTC, datetime
from pathlib import Path

import overread
from overread.evaluation.crowd_results import CrowdEvaluation
from overread.evaluation.feature_sets import COMBINED, CONSENSUS, DISAGREEMENT
from overread.report.context import RunContext
from overread.steps.analyse_disagreement import AnalysisOrigin, read_analysis, read_origin
from overread.steps.fingerprint import compute_code_digest

PIPELINE = "crowd-disagreement"
UNVERSIONED = "unversioned"


def run(
    analysis_folder: Path, *, report_file: Path, revision: str = UNVERSIONED, tracking_url: str = ""
) -> CrowdEvaluation:
    """Write the page.

    Args:
        analysis_folder: what `analyse_disagreement` wrote.
        report_file: the page to write.
        revision: git commit of the study; tables have none.
        tracking_url: page or address of the MLflow run; empty without tracking.
    """
    from overread.report.crowd_disagreement import write_crowd_report

    analysis = read_analysis(analysis_folder)
    context = build_context(read_origin(analysis_folder), revision, tracking_url)
    write_crowd_report(report_file, analysis=analysis, context=context)
    return analysis.evaluation


def summarise(analysis_folder: Path, *, report_file: Path) -> str:
    """Write the page of an analysis that was made outside a pipeline; returns its answer and where it lies."""
    from overread.report.crowd_wording import word_crowd_answer

    evaluation = run(analysis_folder, report_file=report_file)
    return f"{word_crowd_answer(evaluation).sentence}\n{report_file}"


def build_context(origin: AnalysisOrigin, revision: str, tracking_url: str) -> RunContext:
    """What the report says about its own making."""
    return RunContext(
        pipeline=PIPELINE,
        study=origin.name,
        revision=revision,
        study_digest=origin.digest,
        source_digests=origin.digests,
        code_version=overread.__version__,
        code_digest=compute_code_digest(),
        preset=origin.choice.preset,
        settings_yaml=f"{origin.preset.to_yaml()}choice:\n" + _indent(origin.choice.to_yaml()),
        created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        tracking_url=tracking_url,
    )


def collect_metrics(evaluation: CrowdEvaluation) -> dict[str, float]:
    """The few figures by which runs are compared: AUC of the main sets, gain by disagreement, and the test."""
    names = {"all": "all", COMBINED: "consensus_and_disagreement", CONSENSUS: "consensus", DISAGREEMENT: "disagreement"}
    metrics = {f"auc_{names[score.key]}": score.auc.estimate for score in evaluation.scores if score.key in names}
    test = evaluation.find_test(DISAGREEMENT)
    return metrics | {"disagreement_gain": evaluation.gain.estimate, "disagreement_p": test.p}


def _indent(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
