"""Writing the report of a pipeline run and ending the run in MLflow, once."""

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import overread
from overread.adapters.storage import open_store
from overread.adapters.telemetry import remove_old_groups, tell_kept_metrics
from overread.report.context import RunContext
from overread.runs.fingerprint import compute_code_digest, name_result
from overread.runs.pipeline_run import (
    RunIdentity,
    failing_with_pipeline_run,
    is_tracked,
    mark_tracked,
    reaching_pipeline_run,
)

if TYPE_CHECKING:
    from overread.adapters.tracking import TrackedRun


def tidy_telemetry(store: str) -> None:
    """Tell what outages kept back, and remove what has not been told for a week, so that it is not scraped for ever.

    Args:
        store: address of the result store.
    """
    tell_kept_metrics(open_store(store))
    remove_old_groups()


_PAGE = "report.html"


def publish_report(
    identity: RunIdentity,
    report_file: Path,
    *,
    store: str,
    drawn_by: str,
    draw: Callable[[Path, RunContext], None],
    log: Callable[["TrackedRun"], None],
    verdict: str,
) -> None:
    """Write the page, log figures and page to MLflow, and end the run there.

    A page that is in the store is taken from there where MLflow knows of the run's end; other wording, figures or
    templates make another page of the same run. At the end, what is left to do about telemetry is done.

    Args:
        identity: what names the run.
        report_file: the page to write.
        store: address of the result store, which keeps the page too.
        drawn_by: full name of the module that draws, whose code names the page.
        draw: writes the page.
        log: logs figures and files.
        verdict: the answer to the question, in the words of `Verdict` or of the question.
    """
    results, key = open_store(store), _name_page(identity, drawn_by)
    with tempfile.TemporaryDirectory(prefix="overread-report-") as scratch:
        page = Path(scratch) / "report" / _PAGE
        if not (is_tracked(results, identity.run_key) and results.fetch(key, page.parent)):
            with failing_with_pipeline_run(identity, store), reaching_pipeline_run(identity, store) as tracked:
                draw(page, build_context(identity, tracked.url if tracked else ""))
                results.delete(key)
                results.publish(key, page.parent)
                if tracked is not None:
                    log(tracked)
                    tracked.log_verdict(verdict)
                    tracked.log_file(page)
                    tracked.finish()
            if tracked is not None and not tracked.is_cut_off:
                mark_tracked(results, identity.run_key)
        report_file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, report_file)
    tidy_telemetry(store)


def _name_page(identity: RunIdentity, drawn_by: str) -> str:
    """Where the result store keeps the page of a run."""
    parts = {"run": identity.run_fingerprint}
    return f"reports/{name_result('page', made_by=drawn_by, parts=parts, is_page=True)}"


def build_context(identity: RunIdentity, tracking_url: str) -> RunContext:
    """What the report says about its own making."""
    return RunContext(
        pipeline=identity.pipeline,
        study=identity.study,
        revision=identity.revision,
        study_digest=identity.study_digest,
        source_digests=identity.source_digests,
        code_version=overread.__version__,
        code_digest=compute_code_digest(),
        preset=identity.preset_name,
        settings_yaml=identity.settings_yaml,
        created=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        tracking_url=tracking_url,
    )
