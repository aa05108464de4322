"""What Prometheus is told of trainings."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from overread.adapters.storage import ResultStore, open_store
from overread.adapters.telemetry import MetricGroup, push_metrics, tell_kept_metrics
from overread.runs.plan import TrainingPlan
from overread.training.history import EpochReport
from overread.training.result import TrainingJob

if TYPE_CHECKING:
    import torch


@contextmanager
def announcing_ends(
    plan: TrainingPlan, jobs: Sequence[TrainingJob], store: str
) -> Iterator[Callable[[TrainingJob], None]]:
    """Say that trainings do not run any more, at the latest when the block ends, however it does.

    Folds and repeats of the same labels and network share a group, which says what the last of them did. It runs until
    none of the block is left. Where another task trains in the same group, that one's next epoch says so.

    Args:
        plan: the plan.
        jobs: the trainings of the block.
        store: address of the result store.

    Yields:
        A function to call with each training that has ended.
    """
    results, left = open_store(store), [describe_group(plan, job) for job in jobs]
    tell_kept_metrics(results)

    def end(job: TrainingJob) -> None:
        group = describe_group(plan, job)
        left.remove(group)
        if group not in left:
            _push(results, group, {"running": 0})

    try:
        yield end
    finally:
        for index, group in enumerate(left):
            if group not in left[:index]:
                _push(results, group, {"running": 0})
        if jobs:
            tell_kept_metrics(results)


def tell_beginning(plan: TrainingPlan, job: TrainingJob, *, store: ResultStore) -> None:
    """Tell that a training begins; figures that earlier ones of its group left would be taken for its own."""
    values = {
        "running": 1,
        "planned_epochs": plan.find_preset(job).training.epochs,
        "epochs": 0,
        "duration_seconds": 0,
        "progress_timestamp_seconds": time.time(),
    }
    _push(store, describe_group(plan, job), values)


def tell_epoch(
    plan: TrainingPlan,
    job: TrainingJob,
    reports: Sequence[EpochReport],
    *,
    store: ResultStore,
    device: "torch.device",
) -> None:
    """Tell how far a training has come.

    Args:
        plan: the plan.
        job: the training.
        reports: of all epochs so far.
        store: the result store.
        device: where it trains.
    """
    values: dict[str, float | None] = {
        "running": 1,
        "epochs": len(reports),
        "progress_timestamp_seconds": time.time(),
        "gpu_memory_bytes": measure_gpu_memory(device),
    }
    if reports:
        settings, last = plan.find_preset(job).training, reports[-1]
        epoch_voxels = math.prod(settings.sampling.patch_size) * settings.batch_size * settings.steps_per_epoch
        values |= {
            "loss": last.loss,
            "validation_dice_ratio": last.validation_dice,
            "voxels_per_second": epoch_voxels * len(reports) / last.seconds,
            "duration_seconds": last.seconds,
        }
    _push(store, describe_group(plan, job), values)


def describe_group(plan: TrainingPlan, job: TrainingJob) -> MetricGroup:
    """The group of a training."""
    labels = {"pipeline": plan.pipeline, "study": plan.study, "source": job.labels, "network": job.network}
    return MetricGroup("training", labels)


def forget_gpu_memory(device: "torch.device") -> None:
    """Measure the GPU memory of the training that begins, not of those that this process did before."""
    import torch

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def measure_gpu_memory(device: "torch.device") -> int | None:
    """Most GPU memory that was allocated at a time, in bytes; None without a GPU."""
    import torch

    return int(torch.cuda.max_memory_allocated(device)) if device.type == "cuda" else None


def _push(store: ResultStore, group: MetricGroup, values: Mapping[str, float | None]) -> None:
    present = {f"overread_training_{name}": value for name, value in values.items() if value is not None}
    push_metrics(store, group, present)
