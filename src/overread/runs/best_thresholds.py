"""The threshold with which each network agrees best with the labels of its validation cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.runs.fingerprint import name_result
from overread.runs.plan import TrainingPlan
from overread.runs.progress import report_progress
from overread.runs.reuse import finish_result
from overread.runs.threshold_record import FOLDER, BestThresholds, locate_best_thresholds, read_best_thresholds
from overread.runs.workers import run_side_by_side
from overread.study.study import Study
from overread.training.result import TrainingJob, TrainingResult

_PROGRESS_EVERY = 10


def choose_best_thresholds(
    study_folder: Path,
    plan_file: Path,
    trained: Mapping[str, Path],
    *,
    output: Path,
    store: str,
    processes: int,
) -> dict[str, float]:
    """Choose the threshold of each network on its validation cases, with the labels that chose its epoch.

    Held-out cases have no part in it.

    Args:
        study_folder: the study.
        plan_file: the plan.
        trained: folders of the networks, by the name of the training.
        output: the folder of the predictions, which gets `best-thresholds`.
        store: where finished choices are kept.
        processes: networks that predict side by side.

    Returns:
        The thresholds, in [0.01, 0.99], by the name of the training.
    """
    plan, folder = TrainingPlan.read(plan_file), output / FOLDER
    work = [_Choice(study_folder, plan_file, job, trained[job.name]) for job in plan.jobs if job.name in trained]
    finish_result(
        store, _compute_key(plan, trained), folder, lambda: _choose_all(work, locate_best_thresholds(output), processes)
    )
    return read_best_thresholds(output)


@dataclass(frozen=True)
class _Choice:
    study: Path
    plan: Path
    job: TrainingJob
    network: Path


def _compute_key(plan: TrainingPlan, trained: Mapping[str, Path]) -> str:
    parts = {
        "trainings": {name: TrainingResult.read(folder).fingerprint for name, folder in trained.items()},
        "inference": plan.preset.inference.model_dump(mode="json"),
    }
    name = name_result("best-thresholds", made_by="overread.inference.best_threshold", parts=parts)
    return f"{FOLDER}/{name}"


def _choose_all(work: Sequence[_Choice], file: Path, processes: int) -> None:
    threshold_of: dict[str, float] = {}
    for name, threshold in run_side_by_side(_choose, work, processes=processes):
        threshold_of[name] = threshold
        if len(threshold_of) % _PROGRESS_EVERY == 0 or len(threshold_of) == len(work):
            report_progress(f"thresholds of {len(threshold_of)} of {len(work)} networks chosen")
    BestThresholds(threshold_of=dict(sorted(threshold_of.items()))).write(file)


def _choose(item: _Choice) -> tuple[str, float]:
    from overread.inference.best_threshold import choose_network_threshold
    from overread.networks.hardware import limit_threads, select_device

    limit_threads(1)
    study, job = Study.open(item.study), item.job
    threshold = choose_network_threshold(
        study,
        study.labels(job.validation_source or job.source),
        job.validation_cases,
        item.network,
        settings=TrainingPlan.read(item.plan).preset.inference,
        device=select_device("auto"),
    )
    return job.name, threshold
