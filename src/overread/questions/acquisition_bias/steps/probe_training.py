"""Training one acquisition probe, and keeping what it says of its held-out cases."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from overread.adapters.storage import open_store
from overread.questions.acquisition_bias.probe_folds import ProbeFold
from overread.questions.acquisition_bias.probe_settings import ProbeTraining
from overread.questions.acquisition_bias.results import PROBABILITY_PREFIX
from overread.questions.acquisition_bias.steps.probe_plan import ProbeJob, ProbePlan
from overread.questions.acquisition_bias.steps.probe_results import write_probe
from overread.runs.fingerprint import name_result
from overread.runs.kept_checkpoint import keeping_checkpoint

if TYPE_CHECKING:
    from overread.questions.acquisition_bias.probe_loop import ProbeLesson, TrainedProbe
    from overread.questions.acquisition_bias.probe_stacks import StackSummary


@dataclass(frozen=True)
class ProbeAssignment:
    """One job of a plan and where everything lies.

    Attributes:
        plan: the plan.
        job: what to train.
        stacks: folder with the slices of all cases.
        summary: how they were made.
        folder: gets what the probe leaves.
        store: address of the result store; None keeps nothing there.
        device: auto, cpu or cuda.
    """

    plan: ProbePlan
    job: ProbeJob
    stacks: Path
    summary: "StackSummary"
    folder: Path
    store: str | None
    device: str


def compute_probe_key(plan: ProbePlan, job: ProbeJob) -> str:
    """Where the result store keeps a job: named by its data, settings and code."""
    parts = {
        "data": plan.study_digest,
        "case_ids": plan.case_ids,
        "classes": plan.classes,
        "preset": plan.preset.model_dump(mode="json", exclude={"description", "matching", "shuffles", "matters"}),
        "variant": job.variant,
        "fold": job.fold,
        "shuffle": job.shuffle,
        "cases": _list_parts(plan.find_fold(job)),
        "seed": plan.seed,
    }
    return f"probes/{name_result('probe', made_by=__name__, parts=parts)}"


def _list_parts(fold: ProbeFold) -> list[list[tuple[str, str]]]:
    """Cases and classes of each part, as JSON values."""
    return [[(case.case_id, case.label) for case in part] for part in (fold.train, fold.validation, fold.test)]


def train_assigned_probe(item: ProbeAssignment) -> str:
    """Train one probe, apply it to its held-out cases and keep what it says; returns a line about it."""
    from typing import cast

    from overread.networks.hardware import DeviceName, describe_device, limit_threads, select_device
    from overread.questions.acquisition_bias.probe_loop import ProbeEpoch, ProbeLesson, train_probe
    from overread.questions.acquisition_bias.probe_settings import Region
    from overread.questions.acquisition_bias.probe_stacks import open_stacks
    from overread.training.loop import Session

    limit_threads(1)
    plan, job, device = item.plan, item.job, select_device(cast(DeviceName, item.device))
    region = cast(Region, job.variant)
    lesson = ProbeLesson(plan.find_fold(job), plan.classes, open_stacks(item.stacks, region, plan.case_ids))
    store, key = None if item.store is None else open_store(item.store), compute_probe_key(plan, job)
    with keeping_checkpoint(store, key) as (checkpoint, on_epoch):
        session: Session[ProbeEpoch] = Session(device, checkpoint, key, on_epoch)
        trained = train_probe(lesson, plan.preset, seed=plan.seed + job.fold, session=session)
        training = _describe(job, lesson.fold, trained, describe_device(device))
        write_probe(item.folder, training, list(_answer(item, lesson, trained)), item.summary)
        if store is not None:
            store.publish(key, item.folder)
    return f"{job.name}: trained in {trained.seconds:.0f} s, best at epoch {trained.kept_epoch}"


def _describe(job: ProbeJob, fold: ProbeFold, trained: "TrainedProbe", device: str) -> ProbeTraining:
    from overread.networks.build import count_parameters

    return ProbeTraining(
        variant=job.variant,
        shuffle=job.shuffle,
        fold=job.fold,
        train_count=len(fold.train),
        validation_count=len(fold.validation),
        test_count=len(fold.test),
        kept_epoch=trained.kept_epoch,
        validation_loss=trained.validation_loss,
        parameter_count=count_parameters(trained.network),
        duration_seconds=trained.seconds,
        device=device,
    )


def _answer(item: ProbeAssignment, lesson: "ProbeLesson", trained: "TrainedProbe") -> Iterator[dict[str, Any]]:
    """What the probe says of every package of its held-out cases."""
    from overread.questions.acquisition_bias.probe_loop import predict_packages

    plan, job = item.plan, item.job
    answers = predict_packages(trained.network, lesson.fold.test, lesson, plan.preset, seed=plan.seed)
    names = [f"{PROBABILITY_PREFIX}{name}" for name in plan.classes]
    for index, case in enumerate(lesson.fold.test):
        for package in range(plan.preset.packages):
            yield {
                "variant": job.variant,
                "shuffle": job.shuffle,
                "fold": job.fold,
                "package": package,
                "case_id": case.case_id,
                "subject_id": case.subject_id,
                "label": case.label,
                **dict(zip(names, (f"{value:.6f}" for value in answers[index, package]), strict=True)),
            }
