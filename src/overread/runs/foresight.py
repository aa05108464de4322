"""What a planned design will be able to find and how long it will take, said before anything is trained."""

import tempfile
from pathlib import Path

from overread.adapters.storage import open_store
from overread.evaluation.design import Foresight, foresee
from overread.records import Result
from overread.runs.fingerprint import name_choice
from overread.runs.plan import TrainingPlan
from overread.runs.progress import report_progress
from overread.study.study import Study
from overread.training.presets import Preset
from overread.training.result import TrainingResult

_FILE = "duration.json"
_SECONDS_PER_HOUR = 3600


class MeasuredDuration(Result):
    """How long the latest training of a preset took.

    Attributes:
        seconds: wall-clock time.
        device: where it ran.
    """

    seconds: float
    device: str


def tell_foresight(plan: TrainingPlan, study: Study, *, store: str) -> Foresight:
    """Say what the design will find in three of four studies, and how long such trainings took where some were done.

    Args:
        plan: the plan.
        study: for the subjects of the held-out cases.
        store: address of the result store, which knows how long trainings of the preset took.
    """
    subjects = {study.subject_of[case_id] for job in plan.jobs for case_id in job.test_cases}
    foresight = foresee(len(subjects), folds=plan.folds, repeats=plan.repeats)
    report_progress(word_foresight(foresight))
    report_progress(_word_duration(len(plan.jobs), _read_duration(plan.preset, store)))
    return foresight


def word_foresight(foresight: Foresight) -> str:
    """The expectation as a sentence."""
    design = (
        f"{foresight.subject_count} held-out subjects, folds={foresight.fold_count} repeats={foresight.repeat_count}"
    )
    if foresight.smallest_detectable is None:
        return (
            f"this design ({design}) cannot tell a difference from luck in training, and its page will say so; "
            "with 6 subjects or more, folds=5 repeats=2 can"
        )
    return (
        f"this design ({design}) finds a difference of about {foresight.smallest_detectable:.3f} Dice in three of four "
        "studies"
    )


def note_duration(preset: Preset, result: TrainingResult, *, store: str) -> None:
    """Keep how long a training took, for the next plan of its preset."""
    measured = MeasuredDuration(seconds=result.duration_seconds, device=result.device)
    with tempfile.TemporaryDirectory(prefix="overread-duration-") as scratch:
        path = Path(scratch) / _FILE
        measured.write(path)
        open_store(store).save_file(_name_durations(preset), _FILE, path)


def _read_duration(preset: Preset, store: str) -> MeasuredDuration | None:
    with tempfile.TemporaryDirectory(prefix="overread-duration-") as scratch:
        path = Path(scratch) / _FILE
        found = open_store(store).load_file(_name_durations(preset), _FILE, path)
        return MeasuredDuration.read(path) if found else None


def _name_durations(preset: Preset) -> str:
    values = preset.model_dump(mode="json", include={"network", "training"})
    return f"durations/{name_choice('duration', values)}"


def _word_duration(count: int, measured: MeasuredDuration | None) -> str:
    if measured is None:
        return f"{count} trainings; how long they take is known once one of this preset has been done"
    hours = count * measured.seconds / _SECONDS_PER_HOUR
    latest = f"the latest took {measured.seconds:.0f} s on {measured.device}"
    return f"{count} trainings, about {hours:.2g} h one after the other ({latest})"
