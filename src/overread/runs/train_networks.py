"""Step: train the networks of one batch of jobs, side by side."""

import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.errors import InputError
from overread.runs.described_training import DescribedTraining, TrainingRecord, collect_epochs, copy_identity
from overread.runs.fingerprint import name_result
from overread.runs.foresight import note_duration
from overread.runs.pipeline_run import failing_with_pipeline_run
from overread.runs.plan import TrainingPlan
from overread.runs.progress import report_progress
from overread.runs.tracked_training import TrackedTraining, reuse_trainings, train_side_by_side
from overread.runs.workers import Failure
from overread.study.study import Study
from overread.training.history import HISTORY_FILE, EpochReport, read_history
from overread.training.presets import Preset
from overread.training.result import TrainingFailure, TrainingJob, TrainingResult

if TYPE_CHECKING:
    from overread.training.loop import Session

_ATTEMPTS = 3


@dataclass(frozen=True)
class NetworkTraining(TrackedTraining[EpochReport]):
    """The training of a segmentation network.

    Attributes:
        study: folder of the study.
        plan: file of the plan.
        job: what to train.
    """

    study: Path
    plan: Path
    job: TrainingJob

    def train(self, session: "Session[EpochReport]") -> None:
        """Train the network and save it."""
        from overread.training.job import run_training_job

        preset = TrainingPlan.read(self.plan).find_preset(self.job)
        run_training_job(Study.open(self.study), self.job, preset, folder=self.folder, session=session)

    def describe_end(self) -> str:
        """A line about the network."""
        result = TrainingResult.read(self.folder)
        return (
            f"{self.job.name}: validation Dice {result.kept_validation_dice:.3f} at epoch {result.kept_epoch} "
            f"of {result.epochs}, {result.duration_seconds:.0f} s"
        )

    def read_record(self) -> TrainingRecord:
        """Read the record from the result and the history."""
        return read_network_record(self.folder)


def run(
    study_folder: Path, plan_file: Path, job_names: Sequence[str], *, output: Path, store: str, processes: int
) -> tuple[TrainingResult, ...]:
    """Train the named jobs of a plan; each network lands in `output/<job name>`.

    A training that is finished in the store is reused, one that was interrupted goes on from its checkpoint there.
    Where the plan tolerates failures, a training that fails is tried again, and one that fails three times leaves its
    reason in `output/<job name>` instead of a network.

    Args:
        study_folder: the study.
        plan_file: the plan.
        job_names: which jobs of the plan.
        output: gets a folder per job.
        store: address of the result store.
        processes: trainings side by side, one thread each.

    Returns:
        The results of the trainings that left a network.

    Raises:
        InputError: a name is not a job of the plan.
    """
    plan = TrainingPlan.read(plan_file)
    jobs = {job.name: job for job in plan.jobs}
    if unknown := [name for name in job_names if name not in jobs]:
        raise InputError("a job must be one of the plan", found=", ".join(unknown), hint=f"known: {', '.join(jobs)}")
    work = [
        NetworkTraining(describe_job(plan, jobs[name]), output / name, store, study_folder, plan_file, jobs[name])
        for name in job_names
    ]
    with failing_with_pipeline_run(plan, store):
        left = reuse_trainings(work)
        left_names = {item.job.name for item in left}
        reused = [item for item in work if item.job.name not in left_names]
        fresh = list(_train_all(left, plan, store, processes))
    if fresh:
        note_duration(plan.preset, TrainingResult.read(fresh[-1].folder), store=store)
    return tuple(TrainingResult.read(item.folder) for item in (*reused, *fresh))


def _train_all(
    work: Sequence[NetworkTraining], plan: TrainingPlan, store: str, processes: int
) -> Iterator[NetworkTraining]:
    """Train, and yield those that leave a network."""
    attempts = _ATTEMPTS if plan.tolerates_failures else 1
    for outcome in train_side_by_side(work, store=store, processes=processes, attempts=attempts):
        if isinstance(outcome, Failure):
            job, folder = outcome.argument.job, outcome.argument.folder
            shutil.rmtree(folder, ignore_errors=True)
            TrainingFailure(job=job, reason=outcome.reason).write(folder)
            report_progress(f"{job.name}: FAILED {attempts} times, last with {outcome.reason}")
        else:
            yield outcome


def describe_job(plan: TrainingPlan, job: TrainingJob) -> DescribedTraining:
    """What the training of a job is known by."""
    preset = plan.find_preset(job)
    settings = preset.training
    patch_voxels = math.prod(settings.sampling.patch_size)
    fingerprint = compute_job_fingerprint(plan.compute_data_digest(job), preset, job)
    return DescribedTraining(
        run=copy_identity(plan),
        kind="segmentation",
        name=job.name,
        key=build_training_key(fingerprint),
        source=job.labels,
        network=job.network,
        fold=job.fold,
        epochs=settings.epochs,
        settings=settings.model_dump(mode="json") | {"seed": job.seed, "train_cases": len(job.train_cases)},
        repeat=job.repeat,
        epoch_voxels=patch_voxels * settings.batch_size * settings.steps_per_epoch,
    )


def build_training_key(fingerprint: str) -> str:
    """Where the result store keeps a training."""
    return f"trainings/{fingerprint}"


def read_network_record(folder: Path) -> TrainingRecord:
    """Read what MLflow is told of the training in a folder."""
    result = TrainingResult.read(folder)
    figures = {
        "kept_validation_dice": result.kept_validation_dice,
        "kept_epoch": result.kept_epoch,
        "duration_seconds": result.duration_seconds,
        "voxels_per_second": result.voxels_per_second,
    }
    epochs = collect_epochs(read_history(folder / HISTORY_FILE))
    return TrainingRecord(device=result.device, figures=figures, epochs=epochs)


def compute_job_fingerprint(data_digest: str, preset: Preset, job: TrainingJob) -> str:
    """Name of a training: its data, settings and code, whatever else the plan holds."""
    parts = {
        "data": data_digest,
        "job": job.model_dump(mode="json"),
        "preset": preset.model_dump(mode="json", include={"network", "training", "inference"}),
    }
    return name_result("training", made_by="overread.training.job", parts=parts)
