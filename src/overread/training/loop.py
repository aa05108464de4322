"""The training loop."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import cos, pi
from pathlib import Path

import numpy as np
import torch
from torch import nn

from overread.errors import TrainingError
from overread.evaluation.overlap import compute_dice
from overread.inference.settings import InferenceSettings
from overread.inference.sliding_window import predict_probability
from overread.networks.settings import count_network_dimensions
from overread.training.batch_loss import BatchLoss
from overread.training.batches import sample_batch
from overread.training.cases import WorkingCase
from overread.training.checkpoint import TrainingState, load_checkpoint, save_checkpoint
from overread.training.epoch_choice import EpochChoice
from overread.training.hardware import make_deterministic, place_network
from overread.training.history import EpochReport
from overread.training.optimiser import AdamW
from overread.training.settings import TrainingSettings
from overread.types import Mask


@dataclass(frozen=True)
class Lesson:
    """What a network learns from, and how it is judged meanwhile.

    Attributes:
        draw_cases: what the loss sees in an epoch, counted from 0; equal epochs must give equal cases.
        validation_cases: cases that the loss does not see, with the masks that they are judged by.
        loss: what is minimised.
        choice: which epoch's weights are kept, and when the training ends early.
        learnt_masks: masks (*W) of validation cases as the labels that are learnt have them, where they are judged by
            others.
        measure_uncertainty: cumulative uncertainty of the network over its training cases, asked after every epoch;
            None to leave it out.
    """

    draw_cases: Callable[[int], Sequence[WorkingCase]]
    validation_cases: Sequence[WorkingCase]
    loss: BatchLoss
    choice: EpochChoice
    learnt_masks: Mapping[str, Mask] = field(default_factory=dict)
    measure_uncertainty: Callable[[nn.Module], float] | None = None


@dataclass(frozen=True)
class Session:
    """Where a training runs and how it is kept.

    Attributes:
        device: where to train.
        checkpoint: file that is written after every epoch and resumed from where it exists.
        fingerprint: names this training; a checkpoint of another one is refused.
        on_epoch: called after every epoch, when the checkpoint is on disk, with the reports of all epochs so far, those
            before an interruption included.
    """

    device: torch.device
    checkpoint: Path
    fingerprint: str
    on_epoch: Callable[[Sequence[EpochReport]], None]


def train(
    network: nn.Module,
    lesson: Lesson,
    *,
    settings: TrainingSettings,
    inference: InferenceSettings,
    seed: int,
    session: Session,
    start: TrainingState | None = None,
) -> TrainingState:
    """Train a network and leave in it the weights of the epoch that `lesson.choice` keeps.

    Every step draws its patches and its dropout from generators that are seeded by (seed, step), so a training that
    was interrupted goes on from its checkpoint exactly as if it had not been.

    Args:
        network: freshly initialised, or with the weights that belong to `start`; trained in place.
        lesson: what to learn from.
        settings: the loop's settings.
        inference: how validation cases are predicted.
        seed: seeds sampling and dropout.
        session: where to train, and what to resume.
        start: epochs that the network has behind it, which count as the first ones of this training; None for none.

    Returns:
        The state at the end.

    Raises:
        TrainingError: the loss is not finite, or needs foreground and there is none; the checkpoint is damaged, or
            belongs to another training.
    """
    make_deterministic()
    place_network(network, session.device, dimensions=count_network_dimensions(settings.sampling.patch_size))
    optimiser = AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
    state = _resume(session, network, optimiser) or (TrainingState() if start is None else replace(start))

    while state.epoch < settings.epochs and not lesson.choice.is_over(state.reports):
        started = time.perf_counter()
        losses, train_cases = [], lesson.draw_cases(state.epoch)
        network.train()
        for step in range(state.epoch * settings.steps_per_epoch, (state.epoch + 1) * settings.steps_per_epoch):
            generator = np.random.default_rng((seed, step))
            torch.manual_seed(int(generator.integers(2**63)))
            image, mask = sample_batch(train_cases, settings, generator, session.device)
            optimiser.param_groups[0]["lr"] = compute_learning_rate(settings, step)
            optimiser.zero_grad()
            loss = lesson.loss(network, image, mask, step)
            torch.autograd.backward(loss)
            optimiser.step()
            losses.append(loss.detach())
        state.epoch += 1
        mean_loss = float(torch.stack(losses).mean())
        if not np.isfinite(mean_loss):
            raise TrainingError(f"the loss must stay finite, got {mean_loss} in epoch {state.epoch}.")

        dice, learnt_dice = None, None
        if state.epoch % settings.validation_every == 0 or state.epoch == settings.epochs:
            dice, learnt_dice = _validate(network, lesson, settings, inference, session.device)
        state.seconds += time.perf_counter() - started
        report = EpochReport(
            epoch=state.epoch,
            loss=mean_loss,
            learning_rate=compute_learning_rate(settings, step),
            seconds=state.seconds,
            validation_dice=dice,
            learnt_dice=learnt_dice,
            cumulative_uncertainty=_watch(network, lesson, state),
        )
        state.history = [*state.history, report.model_dump()]
        _keep_chosen(state, network, lesson.choice)
        save_checkpoint(
            session.checkpoint,
            fingerprint=session.fingerprint,
            state=state,
            network=network.state_dict(),
            optimiser=optimiser.state_dict(),
        )
        session.on_epoch(state.reports)

    network.load_state_dict(state.kept_weights)
    return state


def compute_learning_rate(settings: TrainingSettings, step: int) -> float:
    """Step size of the optimiser at a step, counted from 0."""
    if settings.schedule == "constant":
        return settings.learning_rate
    return settings.learning_rate * 0.5 * (1 + cos(pi * step / (settings.epochs * settings.steps_per_epoch)))


def _resume(session: Session, network: nn.Module, optimiser: torch.optim.Optimizer) -> TrainingState | None:
    found = load_checkpoint(session.checkpoint, fingerprint=session.fingerprint, device=session.device)
    if found is None:
        return None
    state, weights, optimiser_state = found
    network.load_state_dict(weights)
    optimiser.load_state_dict(optimiser_state)
    return state


def _validate(
    network: nn.Module, lesson: Lesson, settings: TrainingSettings, inference: InferenceSettings, device: torch.device
) -> tuple[float, float | None]:
    """Mean Dice over the validation cases, on the working grid, with their masks and with those that are learnt."""
    judged, learnt = [], []
    for case in lesson.validation_cases:
        probability = predict_probability(
            network,
            case.image,
            patch_size=settings.sampling.patch_size,
            settings=inference,
            precision=settings.precision,
            device=device,
        )
        predicted = probability > inference.threshold
        judged.append(compute_dice(case.mask, predicted))
        if case.case_id in lesson.learnt_masks:
            learnt.append(compute_dice(lesson.learnt_masks[case.case_id], predicted))
    return float(np.mean(judged)), float(np.mean(learnt)) if learnt else None


def _watch(network: nn.Module, lesson: Lesson, state: TrainingState) -> float | None:
    if lesson.measure_uncertainty is None:
        return None
    started = time.perf_counter()
    uncertainty = lesson.measure_uncertainty(network)
    state.watching_seconds += time.perf_counter() - started
    return uncertainty


def _keep_chosen(state: TrainingState, network: nn.Module, choice: EpochChoice) -> None:
    if choice.choose(state.reports) == state.epoch:
        state.kept_epoch = state.epoch
        state.kept_weights = {name: weight.detach().cpu().clone() for name, weight in network.state_dict().items()}
