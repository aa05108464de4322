"""What Prometheus is told of trainings."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from overread.adapters.storage import ResultStore, open_store
from overread.adapters.telemetry import MetricGroup, push_metrics, tell_kept_metrics
from overread.runs.described_training import DescribedTraining, collect_epochs
from overread.training.history import Epoch

if TYPE_CHECKING:
    import torch

_FIGURES = {
    "loss": "loss",
    "validation_loss": "validation_loss",
    "validation_dice": "validation_dice_ratio",
    "validation_hit_rate": "validation_hit_rate_ratio",
}
"""What is told of an epoch, by the name of the figure; kinds of trainings have different ones."""


@contextmanager
def announcing_ends(
    trainings: Sequence[DescribedTraining], store: str
) -> Iterator[Callable[[DescribedTraining], None]]:
    """Say that trainings do not run any more, at the latest when the block ends, however it does.

    Folds and repeats of the same kind, labels and network share a group, which says what the last of them did. It runs
    until none of the block is left. Where another task trains in the same group, that one's next epoch says so.

    Args:
        trainings: those of the block.
        store: address of the result store.

    Yields:
        A function to call with each training that has ended.
    """
    results, left = open_store(store), [describe_group(training) for training in trainings]
    tell_kept_metrics(results)

    def end(training: DescribedTraining) -> None:
        group = describe_group(training)
        left.remove(group)
        if group not in left:
            _push(results, group, {"running": 0})

    try:
        yield end
    finally:
        for index, group in enumerate(left):
            if group not in left[:index]:
                _push(results, group, {"running": 0})
        if trainings:
            tell_kept_metrics(results)


def tell_beginning(training: DescribedTraining, *, store: ResultStore) -> None:
    """Tell that a training begins; figures that earlier ones of its group left would be taken for its own."""
    values = {
        "running": 1,
        "planned_epochs": training.epochs,
        "epochs": 0,
        "duration_seconds": 0,
        "progress_timestamp_seconds": time.time(),
    }
    _push(store, describe_group(training), values)


def tell_epoch(
    training: DescribedTraining, reports: Sequence[Epoch], *, store: ResultStore, device: "torch.device"
) -> None:
    """Tell how far a training has come.

    Args:
        training: the training.
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
    for last in reports[-1:]:
        (figures,) = collect_epochs([last]).values()
        values |= {metric: figures.get(name) for name, metric in _FIGURES.items()}
        voxels = training.epoch_voxels
        values["voxels_per_second"] = None if voxels is None else voxels * len(reports) / last.seconds
        values["duration_seconds"] = last.seconds
    _push(store, describe_group(training), values)


def describe_group(training: DescribedTraining) -> MetricGroup:
    """The group of a training."""
    labels = {
        "pipeline": training.run.pipeline,
        "study": training.run.study,
        "source": training.source,
        "network": training.network,
        "kind": training.kind,
    }
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
