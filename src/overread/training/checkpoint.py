"""Checkpoints of a training: written whole or not at all, loaded without pickle."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from overread.errors import TrainingError
from overread.training.history import Epoch, EpochReport

Report = TypeVar("Report", bound=Epoch)


@dataclass
class TrainingState(Generic[Report]):
    """What a training needs to go on after an epoch.

    Attributes:
        epoch: epochs done.
        kept_epoch: epoch whose weights are kept, 0 before there is one.
        seconds: wall-clock time spent in the loop.
        watching_seconds: wall-clock time spent on estimating uncertainty.
        reports: of every epoch done.
        kept_weights: weights after `kept_epoch`, on the CPU.
    """

    epoch: int = 0
    kept_epoch: int = 0
    seconds: float = 0.0
    watching_seconds: float = 0.0
    reports: tuple[Report, ...] = ()
    kept_weights: dict[str, Tensor] = field(default_factory=dict)

    @property
    def kept_validation_dice(self: "TrainingState[EpochReport]") -> float | None:
        """Mean Dice over the validation cases at the kept epoch, None where they were not looked at."""
        return self.reports[self.kept_epoch - 1].validation_dice if self.kept_epoch else None


def save_checkpoint(
    path: Path,
    *,
    fingerprint: str,
    state: TrainingState[Report],
    network: Mapping[str, Tensor],
    optimiser: Mapping[str, Any],
) -> None:
    """Write a checkpoint; a reader sees the one before or this one, never a part."""
    partial = path.with_suffix(".partial")
    values = vars(state) | {"reports": [report.model_dump() for report in state.reports]}
    content = {"fingerprint": fingerprint, "state": values, "network": network, "optimiser": optimiser}
    with partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_checkpoint(
    path: Path, *, fingerprint: str, report_type: type[Report], device: torch.device
) -> tuple[TrainingState[Report], dict[str, Tensor], dict[str, Any]] | None:
    """Read a checkpoint: the state, the network's weights and the optimiser's; None where there is none.

    Raises:
        TrainingError: the checkpoint belongs to another training or is damaged.
    """
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        owner, values = content["fingerprint"], content["state"]
        reports = tuple(report_type.parse(report, where="checkpoint") for report in values["reports"])
        state = TrainingState(**(values | {"reports": reports}))
        network, optimiser = content["network"], content["optimiser"]
    except Exception as error:
        raise TrainingError(
            f"a checkpoint must be whole, got {path}: {error!r}. Hint: delete it to start over."
        ) from error
    if owner != fingerprint:
        raise TrainingError(f"a checkpoint must belong to the training that resumes it, got another's in {path}.")
    return state, network, optimiser
