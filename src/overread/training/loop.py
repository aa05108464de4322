"""The training loop."""

import time
from collections.abc import Callable, Sequence
from math import cos, pi
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from overread.errors import TrainingError
from overread.evaluation.overlap import compute_dice
from overread.inference.settings import InferenceSettings
from overread.inference.sliding_window import predict_probability
from overread.networks.settings import count_network_dimensions
from overread.training.cases import WorkingCase, compute_foreground_fraction
from overread.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from overread.training.hardware import autocast, make_deterministic, place_network, select_memory_format
from overread.training.history import EpochReport
from overread.training.losses import select_loss
from overread.training.sampling import apply_patch, sample_patch
from overread.training.settings import TrainingSettings


def train(
    network: nn.Module,
    *,
    draw_cases: Callable[[int], Sequence[WorkingCase]],
    validation_cases: Sequence[WorkingCase],
    settings: TrainingSettings,
    inference: InferenceSettings,
    seed: int,
    device: torch.device,
    checkpoint: Path,
    fingerprint: str,
    on_epoch: Callable[[Sequence[EpochReport]], None],
) -> TrainingState:
    """Train a network and leave in it the weights of the epoch with the best validation Dice.

    Every step draws its patches and its dropout from generators that are seeded by (seed, step), so a training that
    was interrupted goes on from its checkpoint exactly as if it had not been.

    Args:
        network: freshly initialised; trained in place.
        draw_cases: what the loss sees in an epoch, counted from 0; equal epochs must give equal cases.
        validation_cases: what chooses the best epoch.
        settings: the loop's settings.
        inference: how validation cases are predicted.
        seed: seeds sampling and dropout.
        device: where to train.
        checkpoint: file that is written after every epoch and resumed from where it exists.
        fingerprint: names this training; a checkpoint of another one is refused.
        on_epoch: called after every epoch, when the checkpoint is on disk, with the reports of all epochs so far, those
            before an interruption included.

    Returns:
        The state at the end.

    Raises:
        TrainingError: the loss is not finite, or needs foreground and there is none; the checkpoint is damaged, or
            belongs to another training.
    """
    make_deterministic()
    place_network(network, device, dimensions=count_network_dimensions(settings.sampling.patch_size))
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    loss_function = select_loss(settings.loss, measure_foreground=lambda: compute_foreground_fraction(draw_cases(0)))
    state = _resume(checkpoint, fingerprint, network, optimiser, device)

    while state.epoch < settings.epochs and state.stale_validations < settings.patience:
        started = time.perf_counter()
        losses, train_cases = [], draw_cases(state.epoch)
        network.train()
        for step in range(state.epoch * settings.steps_per_epoch, (state.epoch + 1) * settings.steps_per_epoch):
            image, mask = _sample_batch(train_cases, settings, seed=seed, step=step, device=device)
            optimiser.param_groups[0]["lr"] = compute_learning_rate(settings, step)
            optimiser.zero_grad()
            with autocast(device, settings.precision):
                logits = network(image)
            loss = loss_function(logits.float(), mask)
            torch.autograd.backward(loss)
            optimiser.step()
            losses.append(loss.detach())
        state.epoch += 1
        mean_loss = float(torch.stack(losses).mean())
        if not np.isfinite(mean_loss):
            raise TrainingError(f"the loss must stay finite, got {mean_loss} in epoch {state.epoch}.")

        dice = None
        if state.epoch % settings.validation_every == 0 or state.epoch == settings.epochs:
            dice = _validate(network, validation_cases, settings, inference, device)
            _keep_best(state, network, dice)
        state.seconds += time.perf_counter() - started
        report = EpochReport(
            epoch=state.epoch,
            loss=mean_loss,
            learning_rate=compute_learning_rate(settings, step),
            seconds=state.seconds,
            validation_dice=dice,
        )
        state.history.append(report.model_dump())
        save_checkpoint(
            checkpoint,
            fingerprint=fingerprint,
            state=state,
            network=network.state_dict(),
            optimiser=optimiser.state_dict(),
        )
        on_epoch(state.reports)

    network.load_state_dict(state.best_weights)
    return state


def compute_learning_rate(settings: TrainingSettings, step: int) -> float:
    """Step size of the optimiser at a step, counted from 0."""
    if settings.schedule == "constant":
        return settings.learning_rate
    return settings.learning_rate * 0.5 * (1 + cos(pi * step / (settings.epochs * settings.steps_per_epoch)))


def _resume(
    checkpoint: Path, fingerprint: str, network: nn.Module, optimiser: torch.optim.Optimizer, device: torch.device
) -> TrainingState:
    found = load_checkpoint(checkpoint, fingerprint=fingerprint, device=device)
    if found is None:
        return TrainingState()
    state, weights, optimiser_state = found
    network.load_state_dict(weights)
    optimiser.load_state_dict(optimiser_state)
    return state


def _sample_batch(
    cases: Sequence[WorkingCase], settings: TrainingSettings, *, seed: int, step: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Image (B, C, *P) and mask (B, 1, *P), both float32, without the last axis of slices.

    Also seeds the dropout of this step, and what its loss draws.
    """
    generator = np.random.default_rng((seed, step))
    torch.manual_seed(int(generator.integers(2**63)))
    records = [sample_patch(settings.sampling, cases, generator) for _ in range(settings.batch_size)]
    patches = [apply_patch(settings.sampling, cases, record) for record in records]
    dimensions = count_network_dimensions(settings.sampling.patch_size)
    shape = settings.sampling.patch_size[:dimensions]
    image = torch.from_numpy(np.stack([image for image, _ in patches])).reshape(len(patches), -1, *shape)
    mask = torch.from_numpy(np.stack([mask for _, mask in patches]).astype(np.float32)).reshape(len(patches), 1, *shape)
    memory_format = select_memory_format(dimensions)
    return image.to(device, memory_format=memory_format), mask.to(device)


def _validate(
    network: nn.Module,
    cases: Sequence[WorkingCase],
    settings: TrainingSettings,
    inference: InferenceSettings,
    device: torch.device,
) -> float:
    """Mean Dice over the validation cases, on the working grid."""
    scores = []
    for case in cases:
        probability = predict_probability(
            network,
            case.image,
            patch_size=settings.sampling.patch_size,
            settings=inference,
            precision=settings.precision,
            device=device,
        )
        scores.append(compute_dice(case.mask, probability > inference.threshold))
    return float(np.mean(scores))


def _keep_best(state: TrainingState, network: nn.Module, dice: float) -> None:
    if dice > state.best_dice:
        state.best_dice, state.best_epoch, state.stale_validations = dice, state.epoch, 0
        state.best_weights = {name: weight.detach().cpu().clone() for name, weight in network.state_dict().items()}
    else:
        state.stale_validations += 1
