"""Checkpoints of a training: written whole or not at all, loaded without pickle."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from overread.errors import TrainingError
from overread.training.history import EpochReport


@dataclass
class TrainingState:
    """What a training needs to go on after an epoch.

    Attributes:
        epoch: epochs done.
        kept_epoch: epoch whose weights are kept, 0 before there is one.
        seconds: wall-clock time spent in the loop.
        watching_seconds: wall-clock time spent on estimating uncertainty.
        history: the report of every epoch done, as JSON values.
        kept_weights: weights after `kept_epoch`, on the CPU.
    """

    epoch: int = 0
    kept_epoch: int = 0
    seconds: float = 0.0
    watching_seconds: float = 0.0
    history: list[dict[str, float | int | None]] = field(default_factory=list)
    kept_weights: dict[str, Tensor] = field(default_factory=dict)

    @property
    def reports(self) -> tuple[EpochReport, ...]:
        """The history as reports."""
        return tuple(EpochReport.parse(values, where="checkpoint") for values in self.history)

    @property
    def kept_validation_dice(self) -> float | None:
        """Mean Dice over the validation cases at the kept epoch, None where they were not looked at."""
        return self.reports[self.kept_epoch - 1].validation_dice if self.kept_epoch else None


def save_checkpoint(
    path: Path, *, fingerprint: str, state: TrainingState, network: Mapping[str, Tensor], optimiser: Mapping[str, Any]
) -> None:
    """Write a checkpoint; a reader sees the one before or this one, never a part."""
    partial = path.with_suffix(".partial")
    content = {"fingerprint": fingerprint, "state": vars(state), "network": network, "optimiser": optimiser}
    with partial.open("wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def load_checkpoint(
    path: Path, *, fingerprint: str, device: torch.device
) -> tuple[TrainingState, dict[str, Tensor], dict[str, Any]] | None:
    """Read a checkpoint: the state, the network's weights and the optimiser's; None where there is none.

    Raises:
        TrainingError: the checkpoint belongs to another training or is damaged.
    """
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        owner, state = content["fingerprint"], TrainingState(**content["state"])
        network, optimiser = content["network"], content["optimiser"]
    except Exception as error:
        raise TrainingError(
            f"a checkpoint must be whole, got {path}: {error!r}. Hint: delete it to start over."
        ) from error
    if owner != fingerprint:
        raise TrainingError(f"a checkpoint must belong to the training that resumes it, got another's in {path}.")
    return state, network, optimiser
