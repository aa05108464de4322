"""Step: train the acquisition probes of one batch of jobs and let them name the class of their held-out cases."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from overread.adapters.storage import open_store
from overread.questions.acquisition_bias.probe_settings import ProbeTraining
from overread.questions.acquisition_bias.steps.probe_plan import ProbeJob, ProbePlan
from overread.questions.acquisition_bias.steps.probe_results import read_training
from overread.questions.acquisition_bias.steps.probe_training import (
    ProbeAssignment,
    compute_probe_key,
    train_assigned_probe,
)
from overread.runs.pipeline_run import failing_with_pipeline_run
from overread.runs.progress import report_progress
from overread.runs.reuse import reuse_result
from overread.runs.workers import run_side_by_side
from overread.study.study import Study


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
    with failing_with_pipeline_run(plan, store):
        todo = [job for job in jobs if not _reuse(plan, job, output, store)]
        train_probes(study_folder, plan, todo, output=output, store=store, processes=processes)
    return tuple(read_training(output / job.name) for job in jobs)


def train_probes(
    study_folder: Path,
    plan: ProbePlan,
    jobs: Sequence[ProbeJob],
    *,
    output: Path,
    store: str | None = None,
    processes: int,
    device: str = "auto",
) -> None:
    """Train some jobs of a plan.

    Args:
        study_folder: the study.
        plan: the plan.
        jobs: which jobs.
        output: gets a folder per job.
        store: address of the result store, which keeps what each job leaves; None keeps nothing.
        processes: probes side by side, one thread each.
        device: auto, cpu or cuda.

    Raises:
        InputError: an image is damaged.
        TrainingError: a probe cannot be trained.
    """
    from overread.questions.acquisition_bias.probe_stacks import write_stacks

    if not jobs:
        return
    with tempfile.TemporaryDirectory(prefix="overread-probe-") as scratch:
        stacks, study = Path(scratch), Study.open(study_folder)
        summary = write_stacks(study, plan.case_ids, plan.preset.image, stacks, seed=plan.seed)
        report_progress(f"slices of {len(plan.case_ids)} cases are ready")
        work = [ProbeAssignment(plan, job, stacks, summary, output / job.name, store, device) for job in jobs]
        for line in run_side_by_side(train_assigned_probe, work, processes=processes):
            report_progress(line)


def _reuse(plan: ProbePlan, job: ProbeJob, output: Path, store: str) -> bool:
    found = reuse_result(open_store(store), compute_probe_key(plan, job), output / job.name)
    if found:
        report_progress(f"{job.name}: reused")
    return found
