"""What Prometheus is told of trainings."""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from overread.adapters.storage import ResultStore, open_store
from overread.adapters.telemetry import MetricGroup, push_metrics, tell_kept_metrics
from overread.steps.plan import TrainingPlan
from overread.training.history import EpochReport
from overread.training.result import TrainingJob

if TYPE_CHECKING:
    import torch


@contextmanager
def announcing_trainings(plan: TrainingPlan, jobs: Sequence[TrainingJob], store: str) -> Iterator[None]:
    """Say that trainings run, for as long as the block does, however it ends.

    Folds and repeats of the same labels and network share a group, which says what the last of them did. It runs until
    none of the block is left. Where another task trains in the same group, that one's next epoch says so.

    Args:
        plan: the plan.
        jobs: the trainings of the block.
        store: address of the result store.
    """
    results = open_store(store)
    tell_kept_metrics(results)
    # Trainings that share a group have the network in common, and with it the epochs.
    epochs = [(describe_group(plan, job), plan.find_preset(job).training.epochs) for job in jobs]
    groups = [item for index, item in enumerate(epochs) if item not in epochs[:index]]
    for group, planned in groups:
        _push(results, group, _describe_beginning(planned))
    try:
        yield
    finally:
        for group, _ in groups:
            _push(results, group, {"running": 0})
        if groups:
            tell_kept_metrics(results)


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


def _describe_beginning(planned_epochs: int) -> dict[str, float]:
    """Before the first epoch; figures that earlier trainings of the group left would be taken for its own."""
    return {
        "running": 1,
        "planned_epochs": planned_epochs,
        "epochs": 0,
        "duration_seconds": 0,
        "progress_timestamp_seconds": time.time(),
    }


def _push(store: ResultStore, group: MetricGroup, values: Mapping[str, float | None]) -> None:
    present = {f"overread_training_{name}": value for name, value in values.items() if value is not None}
    push_metrics(store, group, present)
