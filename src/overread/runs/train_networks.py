"""Step: train the networks of one batch of jobs, side by side."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from overread.adapters.lease import holding_lease
from overread.adapters.storage import open_store
from overread.errors import InputError
from overread.runs.fingerprint import name_result
from overread.runs.pipeline_run import connect, failing_with_pipeline_run, mark_tracked
from overread.runs.plan import TrainingPlan
from overread.runs.progress import report_progress
from overread.runs.reuse import reuse_result
from overread.runs.telemetry_trainings import announcing_ends, forget_gpu_memory, tell_beginning, tell_epoch
from overread.runs.training_run import (
    build_training_key,
    log_epochs,
    log_result,
    log_untracked_results,
    open_training_run,
)
from overread.runs.workers import Failure, attempt_side_by_side, run_side_by_side
from overread.study.study import Study
from overread.training.history import EpochReport
from overread.training.presets import Preset
from overread.training.result import TrainingFailure, TrainingJob, TrainingResult

_ATTEMPTS = 3
_CHECKPOINTS = ("checkpoint.pt", "watched.pt")
"""That of a training, and that of its epochs before relabelling."""
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Assignment:
    """One training and where everything lies.

    Attributes:
        study: folder of the study.
        plan: file of the plan.
        job: what to train.
        folder: gets the trained network.
        store: address of the result store.
    """

    study: Path
    plan: Path
    job: TrainingJob
    folder: Path
    store: str


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
    work = [Assignment(study_folder, plan_file, jobs[name], output / name, store) for name in job_names]
    with failing_with_pipeline_run(plan, store):
        reused = [item for item in work if _reuse(plan, item)]
        log_untracked_results(plan, store, [(TrainingResult.read(item.folder), item.folder) for item in reused])
        left = [item for item in work if item not in reused]
        with announcing_ends(plan, [item.job for item in left], store) as announce_end:
            fresh = list(_train_all(left, plan, processes, announce_end))
    return tuple(TrainingResult.read(item.folder) for item in reused) + tuple(fresh)


def _train_all(
    work: Sequence[Assignment], plan: TrainingPlan, processes: int, announce_end: Callable[[TrainingJob], None]
) -> Iterator[TrainingResult]:
    if plan.tolerates_failures and work:
        outcomes = attempt_side_by_side(_train, work, processes=processes, attempts=_ATTEMPTS)
    else:
        outcomes = run_side_by_side(_train, work, processes=processes)
    for outcome in outcomes:
        announce_end(outcome.argument.job if isinstance(outcome, Failure) else outcome.job)
        if isinstance(outcome, Failure):
            job, folder = outcome.argument.job, outcome.argument.folder
            shutil.rmtree(folder, ignore_errors=True)
            TrainingFailure(job=job, reason=outcome.reason).write(folder)
            report_progress(f"{job.name}: FAILED {_ATTEMPTS} times, last with {outcome.reason}")
        else:
            report_progress(
                f"{outcome.job.name}: validation Dice {outcome.kept_validation_dice:.3f} at epoch {outcome.kept_epoch} "
                f"of {outcome.epochs}, {outcome.duration_seconds:.0f} s"
            )
            yield outcome


def compute_job_fingerprint(data_digest: str, preset: Preset, job: TrainingJob) -> str:
    """Name of a training: its data, settings and code, whatever else the plan holds."""
    parts = {
        "data": data_digest,
        "job": job.model_dump(mode="json"),
        "preset": preset.model_dump(mode="json", include={"network", "training", "inference"}),
    }
    return name_result("training", made_by="overread.training.job", parts=parts)


def _reuse(plan: TrainingPlan, item: Assignment) -> bool:
    found = reuse_result(open_store(item.store), build_training_key(_fingerprint(plan, item.job)), item.folder)
    if found:
        report_progress(f"{item.job.name}: reused")
    return found


def _fingerprint(plan: TrainingPlan, job: TrainingJob) -> str:
    return compute_job_fingerprint(plan.compute_data_digest(job), plan.find_preset(job), job)


def _train(item: Assignment) -> TrainingResult:
    """Train a network, unless another run of a pipeline is at it: then wait for what comes of that."""
    plan = TrainingPlan.read(item.plan)

    def on_waiting() -> None:
        report_progress(f"{item.job.name}: waits for another run that trains it")

    with holding_lease(open_store(item.store), _fingerprint(plan, item.job), on_waiting=on_waiting):
        if _reuse(plan, item):
            return TrainingResult.read(item.folder)
        return _train_alone(item)


def _train_alone(item: Assignment) -> TrainingResult:
    from overread.adapters.mlflow_calls import TrackingOutageError
    from overread.networks.hardware import limit_threads, select_device
    from overread.training.job import run_training_job
    from overread.training.loop import Session

    limit_threads(1)
    study, plan, store = Study.open(item.study), TrainingPlan.read(item.plan), open_store(item.store)
    fingerprint, device = _fingerprint(plan, item.job), select_device("auto")
    key = build_training_key(fingerprint)
    item.folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="overread-training-")))
        for name in _CHECKPOINTS:
            store.load_file(key, name, scratch / name)
        try:
            run = stack.enter_context(open_training_run(connect(plan, item.store), plan, item.job, fingerprint))
        except TrackingOutageError as error:
            _LOGGER.warning("training goes on untracked, the next run of the pipeline will log it: %s", error)
            run = None

        def on_epoch(reports: Sequence[EpochReport]) -> None:
            newest = max(scratch.glob("*.pt"), key=lambda path: path.stat().st_mtime_ns)
            store.save_file(key, newest.name, newest)
            if run is not None:
                log_epochs(run, reports)
            tell_epoch(plan, item.job, reports, store=store, device=device)

        tell_beginning(plan, item.job, store=store)
        forget_gpu_memory(device)
        result = run_training_job(
            study,
            item.job,
            plan.find_preset(item.job),
            folder=item.folder,
            session=Session(device, scratch / _CHECKPOINTS[0], fingerprint, on_epoch),
        )
        store.publish(key, item.folder)
        for name in _CHECKPOINTS:
            store.delete_file(key, name)
        if run is not None:
            log_result(run, item.folder)
    if run is not None and not run.is_cut_off:
        mark_tracked(store, key)
    return result
