"""Step: write the report of `crowd-disagreement`, and end its run in MLflow."""

from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.crowd_disagreement.feature_sets import COMBINED, CONSENSUS, DISAGREEMENT
from overread.questions.crowd_disagreement.results import CrowdEvaluation
from overread.questions.crowd_disagreement.steps.crowd_analysis_files import (
    AUC_FILE,
    CASES_FILE,
    EVALUATION_FILE,
    PERMUTED_FILE,
    read_analysis,
    read_origin,
)
from overread.report.context import RunContext
from overread.runs.report_publishing import build_context, publish_report

if TYPE_CHECKING:
    from overread.adapters.tracked_run import TrackedRun


def run(analysis_folder: Path, *, report_file: Path, store: str) -> CrowdEvaluation:
    """Write the page, log figures, tables and page to MLflow, and end the run there.

    Args:
        analysis_folder: what `analyse_disagreement` wrote.
        report_file: the page to write.
        store: address of the result store, which keeps the page too.
    """
    from overread.questions.crowd_disagreement.page.report import write_crowd_report

    analysis = read_analysis(analysis_folder)

    def draw(page: Path, context: RunContext) -> None:
        write_crowd_report(page, analysis=analysis, context=context)

    def log(tracked: "TrackedRun") -> None:
        tracked.log_metrics(collect_metrics(analysis.evaluation))
        for name in (EVALUATION_FILE, CASES_FILE, AUC_FILE, PERMUTED_FILE):
            tracked.log_file(analysis_folder / name)

    publish_report(
        read_origin(analysis_folder),
        report_file,
        store=store,
        drawn_by=__name__,
        draw=draw,
        log=log,
        verdict=analysis.evaluation.verdict,
    )
    return analysis.evaluation


def write_untracked_page(analysis_folder: Path, *, report_file: Path) -> CrowdEvaluation:
    """Write the page of an analysis that was made outside a pipeline; neither MLflow nor a result store is needed."""
    from overread.questions.crowd_disagreement.page.report import write_crowd_report

    analysis = read_analysis(analysis_folder)
    write_crowd_report(report_file, analysis=analysis, context=build_context(read_origin(analysis_folder), ""))
    return analysis.evaluation


def collect_metrics(evaluation: CrowdEvaluation) -> dict[str, float]:
    """The few figures by which runs are compared: AUC of the main sets, gain by disagreement, and the test.

    The consensus of masks is their size.
    """
    names = {"all": "all", COMBINED: "consensus_and_disagreement", CONSENSUS: "consensus", DISAGREEMENT: "disagreement"}
    metrics = {f"auc_{names[score.key]}": score.auc.estimate for score in evaluation.scores if score.key in names}
    return metrics | {"disagreement_gain": evaluation.gain.estimate, "disagreement_p": evaluation.main_test.p}
