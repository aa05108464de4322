"""Step: write the report of `retrain`, and end its run in MLflow."""

import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import overread
from overread.adapters.storage import open_store
from overread.errors import StorageError
from overread.questions.retrain.records import RetrainingOutcome, StudyChanges
from overread.questions.retrain.steps.judge_challengers import COMPARISONS_FILE, GALLERY_FILE
from overread.questions.retrain.steps.plan_retraining import PIPELINE
from overread.questions.retrain.steps.register_challengers import OUTCOME_FILE, PLAN_FILE
from overread.report.context import RunContext
from overread.runs.fingerprint import compute_code_digest
from overread.runs.plan import TrainingPlan
from overread.runs.report_publishing import publish_report

if TYPE_CHECKING:
    from overread.adapters.tracking import TrackedRun


def run(changes_file: Path, outcome_key: str, *, report_file: Path, decisions_file: Path, store: str) -> None:
    """Write the page and what was decided.

    Args:
        changes_file: from `find_changes`.
        outcome_key: from `register_challengers`; empty where nothing was new.
        report_file: the page to write.
        decisions_file: gets the outcome, as JSON.
        store: address of the result store.
    """
    if not outcome_key:
        outcome = RetrainingOutcome(changes=StudyChanges.read(changes_file))
        _write_idle_page(outcome, report_file)
        outcome.write(decisions_file)
        return
    with tempfile.TemporaryDirectory(prefix="overread-outcome-") as scratch:
        folder = Path(scratch) / "outcome"
        if not open_store(store).fetch(outcome_key, folder):
            raise StorageError(f"the outcome of a retraining must be in the result store; {store}/{outcome_key}.")
        _publish(folder, report_file, store)
        RetrainingOutcome.read(folder / OUTCOME_FILE).write(decisions_file)


def _write_idle_page(outcome: RetrainingOutcome, page: Path) -> None:
    """No run in MLflow and no training stands behind this page."""
    from overread.questions.retrain.page.report import write_retraining_report

    changes = outcome.changes
    context = RunContext(
        pipeline=PIPELINE,
        study=changes.study,
        revision=changes.revision,
        study_digest="",
        source_digests={source: digest for kept in changes.networks for source, digest in kept.digests.items()},
        code_version=overread.__version__,
        code_digest=compute_code_digest(),
        preset=changes.choice.preset,
        settings_yaml="",
        created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        tracking_url="",
    )
    write_retraining_report(page, outcome=outcome, comparisons=None, context=context)


def _publish(folder: Path, report_file: Path, store: str) -> None:
    from overread.evaluation.table import read_comparisons
    from overread.questions.retrain.page.gallery import RetrainingGallery
    from overread.questions.retrain.page.report import write_retraining_report

    plan, outcome = TrainingPlan.read(folder / PLAN_FILE), RetrainingOutcome.read(folder / OUTCOME_FILE)

    def draw(page: Path, context: RunContext) -> None:
        comparisons = read_comparisons(folder / COMPARISONS_FILE)
        gallery = RetrainingGallery.read(folder / GALLERY_FILE)
        write_retraining_report(page, outcome=outcome, comparisons=comparisons, context=context, gallery=gallery)

    def log(tracked: "TrackedRun") -> None:
        for name in (OUTCOME_FILE, COMPARISONS_FILE):
            tracked.log_file(folder / name)
        tracked.log_metrics(count_decisions(outcome))

    verdict = outcome.verdict or ""
    publish_report(plan, report_file, store=store, drawn_by=__name__, draw=draw, log=log, verdict=verdict)


def count_decisions(outcome: RetrainingOutcome) -> dict[str, float]:
    """How many challengers were promoted, held and refused."""
    counts = Counter(decision.state for decision in outcome.decisions)
    return {state: counts[state] for state in ("promoted", "held", "refused")}
