"""The MLflow run of one training, of whatever kind."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from overread.networks.settings import SETTINGS_FILE, WEIGHTS_FILE
from overread.runs.described_training import DescribedTraining, TrainingRecord
from overread.runs.pipeline_run import build_tags
from overread.settings import read_yaml
from overread.training.history import HISTORY_FILE
from overread.training.relabel_record import RECORD_FILE

if TYPE_CHECKING:
    from overread.adapters.tracking import TrackedRun, Tracker


def open_training_run(tracker: "Tracker", training: DescribedTraining, *, device: str) -> "TrackedRun":
    """Open the run of a training, or go on with the one that was interrupted.

    Args:
        tracker: the study's experiment.
        training: the training.
        device: cpu or the name of the GPU that it runs on, or ran.
    """
    pipeline_run = training.run
    tags = build_tags(pipeline_run).model_copy(
        update={
            "kind": training.kind,
            "source": training.source,
            "network": training.network,
            "fold": training.fold,
            "repeat": training.repeat,
            "device": device,
        }
    )
    parent = None if tracker.platform_run_id else tracker.find_run(pipeline_run.run_fingerprint)
    run = tracker.open_run(training.name, fingerprint=training.fingerprint, tags=tags, parent_run_id=parent)
    run.log_study(pipeline_run.study, digest=pipeline_run.study_digest, revision=pipeline_run.revision)
    run.log_settings({"preset": pipeline_run.preset_name, "fold": training.fold, **training.settings})
    return run


def log_epochs(run: "TrackedRun", epochs: Mapping[int, Mapping[str, float]]) -> None:
    """Log the figures of all epochs so far; the run drops those that it has."""
    for epoch, figures in epochs.items():
        run.log_metrics(figures, step=epoch)


def log_record(run: "TrackedRun", record: TrainingRecord, folder: Path) -> None:
    """Log a finished training: its record, and what it has left in `folder` of history and network."""
    log_epochs(run, record.epochs)
    run.log_metrics(record.figures)
    for name in (HISTORY_FILE, RECORD_FILE):
        if (folder / name).is_file():
            run.log_file(folder / name)
    if (folder / WEIGHTS_FILE).is_file():
        run.log_network(folder / WEIGHTS_FILE, read_yaml(folder / SETTINGS_FILE))
