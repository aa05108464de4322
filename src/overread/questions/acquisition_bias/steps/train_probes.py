"""Step: train the acquisition probes of one batch of jobs and let them name the class of their held-out cases."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from overread.questions.acquisition_bias.probe_settings import ProbeTraining
from overread.questions.acquisition_bias.steps.probe_plan import ProbeJob, ProbePlan
from overread.questions.acquisition_bias.steps.probe_results import STACKS_FILE, read_training
from overread.questions.acquisition_bias.steps.probe_training import (
    ProbeAssignment,
    compute_probe_key,
    train_assigned_probe,
)
from overread.runs.described_training import EPOCHS_FILE, DescribedTraining, TrainingRecord, copy_identity
from overread.runs.pipeline_run import failing_with_pipeline_run
from overread.runs.progress import report_progress
from overread.runs.tracked_training import TrackedTraining, reuse_trainings, train_side_by_side
from overread.runs.workers import run_side_by_side
from overread.study.study import Study

if TYPE_CHECKING:
    from overread.questions.acquisition_bias.probe_loop import ProbeEpoch
    from overread.training.loop import Session


@dataclass(frozen=True)
class _TrackedProbe(TrackedTraining["ProbeEpoch"]):
    assignment: ProbeAssignment

    def train(self, session: "Session[ProbeEpoch]") -> None:
        from overread.networks.hardware import describe_device

        trained = train_assigned_probe(self.assignment, session)
        record = TrainingRecord.build(
            trained.reports, kept_epoch=trained.kept_epoch, device=describe_device(session.device)
        )
        record.write(self.folder / EPOCHS_FILE)

    def describe_end(self) -> str:
        return _describe_end(self.assignment)


def run(
    study_folder: Path, plan_file: Path, job_names: Sequence[str], *, output: Path, store: str, processes: int
) -> tuple[ProbeTraining, ...]:
    """Train the named jobs of a plan; one that is finished in the store is reused.

    Args:
        study_folder: the study.
        plan_file: what `plan_probes` wrote.
        job_names: which jobs of the plan.
        output: gets a folder per job, see `probe_results`.
        store: address of the result store.
        processes: probes side by side, one thread each.

    Raises:
        InputError: a name is not a job of the plan, or an image is damaged.
        TrainingError: a probe cannot be trained.
    """
    plan = ProbePlan.read(plan_file)
    jobs = [plan.find_job(name) for name in job_names]
    with failing_with_pipeline_run(plan, store), tempfile.TemporaryDirectory(prefix="overread-probe-") as scratch:
        stacks = Path(scratch)
        work = [
            _TrackedProbe(_describe(item), item.folder, store, item) for item in _assign(plan, jobs, stacks, output)
        ]
        left = reuse_trainings(work)
        if left:
            _write_stacks(study_folder, plan, stacks)
        list(train_side_by_side(left, store=store, processes=processes))
    return tuple(read_training(output / job.name) for job in jobs)


def train_probes(
    study_folder: Path, plan: ProbePlan, jobs: Sequence[ProbeJob], *, output: Path, processes: int, device: str = "auto"
) -> None:
    """Train some jobs of a plan; no store keeps them, and nobody is told.

    Args:
        study_folder: the study.
        plan: the plan.
        jobs: which jobs.
        output: gets a folder per job.
        processes: probes side by side, one thread each.
        device: auto, cpu or cuda.

    Raises:
        InputError: an image is damaged.
        TrainingError: a probe cannot be trained.
    """
    with tempfile.TemporaryDirectory(prefix="overread-probe-") as scratch:
        _write_stacks(study_folder, plan, Path(scratch))
        work = [(item, device) for item in _assign(plan, jobs, Path(scratch), output)]
        for line in run_side_by_side(_train_untracked, work, processes=processes):
            report_progress(line)


def _train_untracked(work: tuple[ProbeAssignment, str]) -> str:
    from overread.networks.hardware import DeviceName, limit_threads, select_device
    from overread.training.loop import Session

    limit_threads(1)
    item, device = work
    with tempfile.TemporaryDirectory(prefix="overread-training-") as scratch:
        checkpoint = Path(scratch) / "checkpoint.pt"
        key = compute_probe_key(item.plan, item.job)
        session: Session[ProbeEpoch] = Session(select_device(cast(DeviceName, device)), checkpoint, key, lambda _: None)
        train_assigned_probe(item, session)
    return _describe_end(item)


def _assign(plan: ProbePlan, jobs: Sequence[ProbeJob], stacks: Path, output: Path) -> list[ProbeAssignment]:
    return [ProbeAssignment(plan, job, stacks, output / job.name) for job in jobs]


def _write_stacks(study_folder: Path, plan: ProbePlan, folder: Path) -> None:
    from overread.questions.acquisition_bias.probe_stacks import write_stacks

    summary = write_stacks(Study.open(study_folder), plan.case_ids, plan.preset.image, folder, seed=plan.seed)
    summary.write(folder / STACKS_FILE)
    report_progress(f"slices of {len(plan.case_ids)} cases are ready")


def _describe(item: ProbeAssignment) -> DescribedTraining:
    plan, job, settings = item.plan, item.job, item.plan.preset.training
    chosen = {
        "region": item.region,
        "shuffle": job.shuffle,
        "seed": item.seed,
        "train_cases": len(plan.find_fold(job).train),
    }
    return DescribedTraining(
        run=copy_identity(plan),
        kind="acquisition-probe",
        name=f"probe-{job.name}",
        key=compute_probe_key(plan, job),
        source=plan.target,
        network=plan.network_names,
        fold=job.fold,
        epochs=settings.epochs,
        settings=settings.model_dump(mode="json") | chosen,
    )


def _describe_end(item: ProbeAssignment) -> str:
    training = read_training(item.folder)
    return f"{item.job.name}: trained in {training.duration_seconds:.0f} s, best at epoch {training.kept_epoch}"
