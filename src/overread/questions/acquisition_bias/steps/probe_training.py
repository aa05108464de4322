"""Training one acquisition probe, and writing down what it says of its held-out cases."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from overread.questions.acquisition_bias.probe_folds import ProbeFold
from overread.questions.acquisition_bias.probe_settings import ProbeTraining, Region
from overread.questions.acquisition_bias.results import PROBABILITY_PREFIX
from overread.questions.acquisition_bias.steps.probe_plan import ProbeJob, ProbePlan
from overread.questions.acquisition_bias.steps.probe_results import STACKS_FILE, write_probe
from overread.runs.fingerprint import name_result

if TYPE_CHECKING:
    from overread.questions.acquisition_bias.probe_loop import ProbeEpoch, ProbeLesson, TrainedProbe
    from overread.training.loop import Session


@dataclass(frozen=True)
class ProbeAssignment:
    """One job of a plan and where everything lies.

    Attributes:
        plan: the plan.
        job: what to train.
        stacks: folder with the slices of all cases and, in STACKS_FILE, how they were made.
        folder: gets what the probe leaves.
    """

    plan: ProbePlan
    job: ProbeJob
    stacks: Path
    folder: Path

    @property
    def region(self) -> Region:
        """What the probe sees."""
        return cast(Region, self.job.variant)

    @property
    def seed(self) -> int:
        """Seeds initialisation, packages and dropout."""
        return self.plan.seed + self.job.fold


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


def train_assigned_probe(item: ProbeAssignment, session: "Session[ProbeEpoch]") -> "TrainedProbe":
    """Train one probe, apply it to its held-out cases and write what it says."""
    from overread.networks.hardware import describe_device
    from overread.questions.acquisition_bias.probe_loop import ProbeLesson, train_probe
    from overread.questions.acquisition_bias.probe_stacks import StackSummary, open_stacks

    plan, job = item.plan, item.job
    lesson = ProbeLesson(plan.find_fold(job), plan.classes, open_stacks(item.stacks, item.region, plan.case_ids))
    trained = train_probe(lesson, plan.preset, seed=item.seed, session=session)
    training = _describe(job, lesson.fold, trained, describe_device(session.device))
    summary = StackSummary.read(item.stacks / STACKS_FILE)
    write_probe(item.folder, training, list(_answer(item, lesson, trained)), summary)
    return trained


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
