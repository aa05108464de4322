"""Losses: logits (B, 1, *P) and masks (B, 1, *P) of 0 and 1 in, a scalar out."""

from collections.abc import Callable
from typing import Literal, TypeAlias

from torch import Tensor
from torch.nn import functional

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Mean binary cross-entropy over all voxels of the batch."""
    return functional.binary_cross_entropy_with_logits(logits, mask)


def dice_cross_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Cross-entropy plus soft Dice loss; overlap is summed over the batch, so that empty patches do not dominate."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * mask).sum()
    return cross_entropy(logits, mask) + 1 - (overlap + 1) / (probability.sum() + mask.sum() + 1)


def select_loss(name: Literal["cross_entropy", "dice_cross_entropy"]) -> Loss:
    """The loss of that name."""
    return {"cross_entropy": cross_entropy, "dice_cross_entropy": dice_cross_entropy}[name]
