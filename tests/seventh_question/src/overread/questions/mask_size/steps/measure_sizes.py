"""Step: measure the masks of a study and write the report."""

from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.mask_size.evaluation import measure_sizes
from overread.questions.mask_size.page.report import write_size_report
from overread.questions.mask_size.results import MaskSizes

from overread.report.context import RunContext
from overread.runs.fingerprint import name_run
from overread.runs.pipeline_run import AnalysisRun
from overread.runs.report_publishing import publish_report
from overread.study.digest import compute_images_digest, compute_source_digest, compute_study_digest
from overread.study.study import Study

if TYPE_CHECKING:
    from overread.adapters.tracked_run import TrackedRun

PIPELINE = "mask-size"


def run(study_folder: Path, *, revision: str, sizes_file: Path, report_file: Path, store: str) -> MaskSizes:
    """Measure, write the numbers and the page, and tell MLflow."""
    study = Study.open(study_folder)
    sizes = measure_sizes(study)
    sizes.write(sizes_file)

    def draw(page: Path, context: RunContext) -> None:
        write_size_report(page, sizes=sizes, context=context)

    def log(tracked: "TrackedRun") -> None:
        tracked.log_metrics({"size_ratio": sizes.ratio})

    identity = identify(study, revision)
    publish_report(identity, report_file, store=store, drawn_by=__name__, draw=draw, log=log, verdict="measured")
    return sizes


def identify(study: Study, revision: str) -> AnalysisRun:
    """What MLflow, the result store and the report know the run by."""
    digests = {source: compute_source_digest(study, source) for source in study.select_sources()}
    digest = compute_study_digest(compute_images_digest(study), digests)
    return AnalysisRun(
        pipeline=PIPELINE,
        study=study.settings.name,
        study_digest=digest,
        source_digests=digests,
        revision=revision,
        preset_name="",
        settings_yaml="",
        run_fingerprint=name_run({"pipeline": PIPELINE, "study": digest, "revision": revision}),
    )
