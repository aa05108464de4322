"""What is minimised at a step: losses of logits and masks, and of a network and a batch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from overread.errors import TrainingError
from overread.inference.dropout import switch_dropout_off
from overread.networks.ensemble import list_members
from overread.networks.hardware import autocast
from overread.study.working_cases import WorkingCase, compute_foreground_fraction
from overread.training.sampling import sample_batch
from overread.training.settings import LossName, TrainingSettings

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]
BatchLoss: TypeAlias = Callable[[nn.Module, Tensor, Tensor, int], Tensor]
"""Network, image (B, C, *P), mask (B, 1, *P) of 0 and 1, and the step, counted from 0, to a scalar."""


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


def compute_pixel_weights(
    network: nn.Module,
    noisy: tuple[Tensor, Tensor],
    clean: tuple[Tensor, Tensor],
    *,
    clean_loss: Loss = cross_entropy,
) -> Tensor:
    """Weight of each pixel of a batch with noisy labels, from a batch with clean ones.

    Were each pixel's loss weighted with ε and one gradient step made, the clean loss would change by -ε times the
    product of the clean loss's gradient with the pixel loss's gradient. The weight is that product where it is positive
    and 0 elsewhere, divided by its sum (Ren et al. 2018, equations 6 to 8, with ε = 0; per pixel as Mirikharaji et al.
    2019). The products of all pixels are one forward-mode derivative, so no pixel needs a backward pass of its own.

    Weights, running statistics and gradients of the network are left as they are. Dropout, if it is active, must not
    draw: the two passes would see two networks.

    Args:
        network: (B, C, *P) → (B, 1, *P) logits.
        noisy: image (B, C, *P) and mask (B, 1, *P) of 0 and 1.
        clean: image (A, C, *P) and mask (A, 1, *P) of 0 and 1.
        clean_loss: what the pixels are to lower; that of a noisy pixel is cross-entropy.

    Returns:
        (B, 1, *P), not negative, of sum 1; all 0 where no pixel pulls the way of the clean labels.
    """
    parameters = {name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()}

    def compute_losses(weights: dict[str, Tensor]) -> Tensor:
        logits: Tensor = functional_call(network, weights, (noisy[0],))
        return functional.binary_cross_entropy_with_logits(logits, noisy[1], reduction="none")

    with _keeping_statistics(network):
        loss = clean_loss(functional_call(network, parameters, (clean[0],)), clean[1])
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        fixed = {name: value.detach() for name, value in parameters.items()}
        direction = dict(zip(fixed, gradients, strict=True))
        products: Tensor = jvp(compute_losses, (fixed,), (direction,))[1]
    pulls = products.detach().clamp(min=0)
    total = pulls.sum()
    return pulls / total if total > 0 else torch.zeros_like(pulls)


@contextmanager
def _keeping_statistics(network: nn.Module) -> Iterator[None]:
    """Let batch normalisation in training mode take the batch's statistics without adding them to its running ones."""
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.training]
    tracked = [layer for layer in layers if layer.track_running_stats]
    for layer in tracked:
        layer.track_running_stats = False
    try:
        yield
    finally:
        for layer in tracked:
            layer.track_running_stats = True


def compute_weighted_loss(logits: Tensor, mask: Tensor, weights: Tensor) -> Tensor:
    """Binary cross-entropy, each pixel with its weight; a scalar.

    Args:
        logits: (B, 1, *P).
        mask: (B, 1, *P) of 0 and 1.
        weights: (B, 1, *P), as `compute_pixel_weights` gives them.
    """
    losses = functional.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    return (weights * losses).sum()


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
