"""Losses: logits (B, 1, *P) and masks (B, 1, *P) of 0 and 1 in, a scalar out."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from overread.errors import TrainingError
from overread.training.settings import LossName

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy over all voxels of the batch."""
    return functional.binary_cross_entropy_with_logits(logits, mask)


def dice_cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy plus soft Dice loss; overlap is summed over the batch, so that empty patches do not dominate."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * mask).sum()
    return cross_entropy(logits, mask) + 1 - (overlap + 1) / (probability.sum() + mask.sum() + 1)


def balanced_cross_entropy(logits: Tensor, mask: Tensor, *, foreground_fraction: float) -> Tensor:
    """Mean binary cross-entropy over all foreground and as many background voxels as there are foreground ones.

    Each background voxel is kept with a probability of `foreground_fraction`, the share f of foreground in the training
    set, so that about f of all voxels are kept of the one class and f (1 - f) of the other ("equally sampling from each
    class", Heller et al. 2018, section 3.2, as in the authors' program). Deviation: voxels are drawn anew, from torch's
    generator, whenever the loss is computed; the authors' program draws them once for the whole training.
    """
    kept = (mask > 0) | (torch.rand_like(mask) < foreground_fraction)
    losses = functional.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    return (losses * kept).sum() / kept.sum().clamp(min=1)


def select_loss(name: LossName, *, measure_foreground: Callable[[], float]) -> Loss:
    """The loss of a name.

    Args:
        name: as in the settings.
        measure_foreground: share of foreground in the training set; asked only for a loss that depends on it.

    Raises:
        TrainingError: `balanced_cross_entropy` without any foreground, which would learn from no voxel.
    """
    if name != "balanced_cross_entropy":
        return {"cross_entropy": cross_entropy, "dice_cross_entropy": dice_cross_entropy}[name]
    foreground_fraction = measure_foreground()
    if foreground_fraction == 0:
        raise TrainingError("balanced_cross_entropy needs labelled voxels in the training cases, got none.")
    return partial(balanced_cross_entropy, foreground_fraction=foreground_fraction)
