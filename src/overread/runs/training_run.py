"""The MLflow run of one training."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.adapters.storage import open_store
from overread.networks.settings import SETTINGS_FILE, WEIGHTS_FILE
from overread.runs.pipeline_run import build_tags, connect, is_tracked, mark_tracked
from overread.runs.plan import TrainingPlan
from overread.settings import read_yaml
from overread.training.history import HISTORY_FILE, EpochReport, read_history
from overread.training.relabel_record import RECORD_FILE
from overread.training.result import TrainingJob, TrainingResult

if TYPE_CHECKING:
    from overread.adapters.tracking import TrackedRun, Tracker

_LOGGER = logging.getLogger(__name__)


def open_training_run(tracker: "Tracker", plan: TrainingPlan, job: TrainingJob, fingerprint: str) -> "TrackedRun":
    """Open the run of a training, or go on with the one that was interrupted."""
    tags = build_tags(plan).model_copy(
        update={"source": job.labels, "network": job.network, "fold": job.fold, "repeat": job.repeat}
    )
    parent = None if tracker.platform_run_id else tracker.find_run(plan.run_fingerprint)
    run = tracker.open_run(job.name, fingerprint=fingerprint, tags=tags, parent_run_id=parent)
    run.log_study(plan.study, digest=plan.study_digest, revision=plan.revision)
    settings = plan.preset.training.model_dump(mode="json") | {"seed": job.seed, "train_cases": len(job.train_cases)}
    run.log_settings(settings)
    return run


def log_epochs(run: "TrackedRun", reports: Sequence[EpochReport]) -> None:
    """Log the figures of all epochs so far; the run drops those that it has."""
    for report in reports:
        values = {"loss": report.loss, "learning_rate": report.learning_rate}
        for name in ("validation_dice", "learnt_dice", "cumulative_uncertainty"):
            if (value := getattr(report, name)) is not None:
                values[name] = value
        run.log_metrics(values, step=report.epoch)


def log_result(run: "TrackedRun", folder: Path) -> None:
    """Log what a finished training has left in `folder`."""
    log_epochs(run, read_history(folder / HISTORY_FILE))
    result = TrainingResult.read(folder)
    run.log_metrics(
        {
            "kept_validation_dice": result.kept_validation_dice,
            "kept_epoch": result.kept_epoch,
            "duration_seconds": result.duration_seconds,
            "voxels_per_second": result.voxels_per_second,
        }
    )
    for name in (HISTORY_FILE, RECORD_FILE):
        if (folder / name).is_file():
            run.log_file(folder / name)
    run.log_network(folder / WEIGHTS_FILE, read_yaml(folder / SETTINGS_FILE))


def log_untracked_results(plan: TrainingPlan, store: str, finished: Sequence[tuple[TrainingResult, Path]]) -> None:
    """Log finished trainings that MLflow does not know to the end: it was away, is another one, or they were killed."""
    from overread.adapters.mlflow_calls import TrackingOutageError

    results = open_store(store)
    untold = [item for item in finished if not is_tracked(results, build_training_key(item[0].fingerprint))]
    if not untold:
        return
    try:
        tracker = connect(plan, store)
        for result, folder in untold:
            if not tracker.has_finished(result.fingerprint):
                with open_training_run(tracker, plan, result.job, result.fingerprint) as run:
                    log_result(run, folder)
            mark_tracked(results, build_training_key(result.fingerprint))
    except TrackingOutageError as error:
        _LOGGER.warning("finished trainings are kept and will be logged by the next run: %s", error)


def build_training_key(fingerprint: str) -> str:
    """Where the result store keeps a training."""
    return f"trainings/{fingerprint}"
