"""Step: end a retraining that has nothing to train."""

from pathlib import Path

from overread.questions.retrain.records import StudyChanges
from overread.questions.retrain.steps.telemetry_retraining import tell_end
from overread.runs.progress import report_progress


def run(changes_file: Path, *, store: str) -> None:
    """Say that retraining has looked and found nothing new.

    Args:
        changes_file: from `find_changes`.
        store: address of the result store.
    """
    changes = StudyChanges.read(changes_file)
    report_progress(f"nothing new at revision {changes.revision[:7]}, nothing is trained")
    tell_end(changes, (), store=store)
