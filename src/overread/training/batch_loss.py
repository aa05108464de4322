"""What is minimised at a step: a network and a batch in, a scalar out."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from overread.inference.dropout import switch_dropout_off
from overread.networks.ensemble import list_members
from overread.networks.hardware import autocast
from overread.study.working_cases import WorkingCase, compute_foreground_fraction
from overread.training.losses import select_loss
from overread.training.reweighting import compute_pixel_weights, compute_weighted_loss
from overread.training.sampling import sample_batch
from overread.training.settings import TrainingSettings

BatchLoss: TypeAlias = Callable[[nn.Module, Tensor, Tensor, int], Tensor]
"""Network, image (B, C, *P), mask (B, 1, *P) of 0 and 1, and the step, counted from 0, to a scalar."""


def build_batch_loss(
    settings: TrainingSettings, device: torch.device, *, draw_first_cases: Callable[[], Sequence[WorkingCase]]
) -> BatchLoss:
    """The loss of the settings; that of an ensemble is the sum over its members, each of which learns for itself.

    Args:
        settings: loss and precision.
        device: where the network is.
        draw_first_cases: the cases of the first epoch, asked only by a loss that depends on their foreground.
    """
    loss = select_loss(settings.loss, measure_foreground=lambda: compute_foreground_fraction(draw_first_cases()))

    def compute(network: nn.Module, image: Tensor, mask: Tensor, _: int) -> Tensor:
        losses = []
        for member in list_members(network):
            with autocast(device, settings.precision):
                logits = member(image)
            losses.append(loss(logits.float(), mask))
        return torch.stack(losses).sum()

    return compute


def build_reweighted_loss(
    settings: TrainingSettings, device: torch.device, *, clean_cases: Sequence[WorkingCase], seed: int
) -> BatchLoss:
    """Cross-entropy in which pixels that would raise the loss of a batch with clean labels do not count.

    Args:
        settings: patches, batch size and precision; their loss is that of the clean batch.
        device: where the network is.
        clean_cases: where the clean batch of each step is drawn from.
        seed: seeds that draw.
    """
    clean_loss = select_loss(settings.loss, measure_foreground=lambda: compute_foreground_fraction(clean_cases))

    def compute(network: nn.Module, image: Tensor, mask: Tensor, step: int) -> Tensor:
        clean = sample_batch(clean_cases, settings, np.random.default_rng((seed, step, 1)), device)
        with switch_dropout_off(network):
            weights = compute_pixel_weights(network, (image, mask), clean, clean_loss=clean_loss)
        with autocast(device, settings.precision):
            logits = network(image)
        return compute_weighted_loss(logits.float(), mask, weights)

    return compute
