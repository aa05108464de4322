"""Step: train the acquisition probes and let them name the class of their held-out cases."""

import csv
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from overread.steps.plan_probes import ProbePlan
from overread.steps.progress import report_progress
from overread.steps.surroundings import limit_processes
from overread.steps.workers import run_side_by_side
from overread.study.study import Study
from overread.training.probe_result import ProbeTraining
from overread.training.probe_settings import SHUFFLED, VARIANTS

SCORES_FILE = "scores.csv"
TRAININGS_FILE = "trainings.json"
STACKS_FILE = "stacks.json"


@dataclass(frozen=True)
class _Job:
    plan: ProbePlan
    variant: str
    fold: int
    stacks: Path
    device: str


def run(
    study_folder: Path, plan_file: Path, *, output: Path, processes: int | None = None, device: str = "auto"
) -> tuple[ProbeTraining, ...]:
    """Train every variant in every round, and write what the probes say of their held-out cases.

    Args:
        study_folder: the study.
        plan_file: what `plan_probes` wrote.
        output: gets `scores.csv`, `trainings.json` and `stacks.json`.
        processes: probes side by side, one thread each; as many as there are cores if None.
        device: auto, cpu or cuda.

    Raises:
        InputError: an image is damaged.
        TrainingError: a probe cannot be trained.
    """
    from overread.training.probe_stacks import write_stacks

    made, study = ProbePlan.read(plan_file), Study.open(study_folder)
    with tempfile.TemporaryDirectory(prefix="overread-probe-") as scratch:
        summary = write_stacks(study, made.case_ids, made.preset.image, Path(scratch), seed=made.seed)
        report_progress(f"slices of {len(made.case_ids)} cases are ready")
        jobs = [
            _Job(made, variant, fold, Path(scratch), device) for variant in VARIANTS for fold in range(len(made.folds))
        ]
        found = list(run_side_by_side(_train, jobs, processes=limit_processes(processes or os.cpu_count() or 1)))
    found.sort(key=lambda pair: (VARIANTS.index(pair[0].variant), pair[0].fold))
    trainings = tuple(training for training, _ in found)
    output.mkdir(parents=True, exist_ok=True)
    (output / STACKS_FILE).write_text(summary.model_dump_json(indent=1), encoding="utf-8")
    _write_scores(output / SCORES_FILE, [row for _, rows in found for row in rows])
    listed = [training.model_dump(mode="json") for training in trainings]
    (output / TRAININGS_FILE).write_text(json.dumps(listed, indent=1), encoding="utf-8")
    return trainings


def read_trainings(folder: Path) -> tuple[ProbeTraining, ...]:
    """Read the trainings that `run` wrote."""
    return tuple(
        ProbeTraining.model_validate(values)
        for values in json.loads((folder / TRAININGS_FILE).read_text(encoding="utf-8"))
    )


def _train(job: _Job) -> tuple[ProbeTraining, list[dict[str, Any]]]:
    """Train one probe and apply it to its held-out cases."""
    from typing import cast

    from overread.networks.build import count_parameters
    from overread.training.hardware import DeviceName, describe_device, limit_threads, select_device
    from overread.training.probe_loop import ProbeLesson, predict_packages, train_probe
    from overread.training.probe_settings import Region
    from overread.training.probe_stacks import open_stacks

    limit_threads(1)
    plan, device = job.plan, select_device(cast(DeviceName, job.device))
    fold = plan.find_folds(job.variant)[job.fold]
    region = cast(Region, "whole" if job.variant == SHUFFLED else job.variant)
    lesson = ProbeLesson(fold, plan.classes, open_stacks(job.stacks, region, plan.case_ids))
    trained = train_probe(lesson, plan.preset, seed=plan.seed + job.fold, device=device)
    answers = predict_packages(trained.network, fold.test, lesson, plan.preset, seed=plan.seed)
    training = ProbeTraining(
        variant=job.variant,
        fold=job.fold,
        train_count=len(fold.train),
        validation_count=len(fold.validation),
        test_count=len(fold.test),
        kept_epoch=trained.kept_epoch,
        validation_loss=trained.validation_loss,
        parameter_count=count_parameters(trained.network),
        duration_seconds=trained.seconds,
        device=describe_device(device),
    )
    report_progress(f"{job.variant}, fold {job.fold}: trained in {trained.seconds:.0f} s")
    names = [f"p:{name}" for name in plan.classes]
    rows: list[dict[str, Any]] = [
        {
            "variant": job.variant,
            "fold": job.fold,
            "package": package,
            "case_id": case.case_id,
            "subject_id": case.subject_id,
            "label": case.label,
            **dict(zip(names, (f"{value:.6f}" for value in answers[index, package]), strict=True)),
        }
        for index, case in enumerate(fold.test)
        for package in range(plan.preset.packages)
    ]
    return training, rows


def _write_scores(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
