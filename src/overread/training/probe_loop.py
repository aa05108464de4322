"""The training loop of the acquisition probe, and its answers for held-out cases."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import cos, pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from overread.errors import TrainingError
from overread.networks.acquisition_probe import AcquisitionProbe
from overread.training.hardware import autocast, make_deterministic, place_network
from overread.training.optimiser import AdamW
from overread.training.probe_folds import LabelledCase, ProbeFold
from overread.training.probe_packages import apply_package, sample_package
from overread.training.probe_settings import ProbePreset

_VALIDATION_STREAM, _TEST_STREAM = 1, 2


@dataclass(frozen=True)
class ProbeLesson:
    """What a probe learns.

    Attributes:
        fold: cases of the round.
        classes: the classes, in the order of the network's outputs.
        stacks: slices (N, side, side) of every case in [-1, 1], by case.
    """

    fold: ProbeFold
    classes: tuple[str, ...]
    stacks: Mapping[str, NDArray[np.float16]]


@dataclass(frozen=True)
class TrainedProbe:
    """A trained probe.

    Attributes:
        network: in evaluation mode, with the weights of the kept epoch.
        kept_epoch: the epoch with the lowest validation loss, from 1.
        validation_loss: cross-entropy of that epoch, mean over classes, then over the cases of a class.
        seconds: wall-clock time.
    """

    network: nn.Module
    kept_epoch: int
    validation_loss: float
    seconds: float


def train_probe(lesson: ProbeLesson, preset: ProbePreset, *, seed: int, device: torch.device) -> TrainedProbe:
    """Train a probe; keep the weights of the epoch with the lowest validation loss.

    Each epoch draws one package per case anew; cases of smaller classes are drawn again until every class has as many
    as the largest.

    Args:
        lesson: what to learn.
        preset: all settings.
        seed: seeds initialisation, packages and dropout.
        device: where to train.

    Raises:
        TrainingError: the loss is not finite.
    """
    make_deterministic()
    torch.manual_seed(seed)
    settings, image = preset.training, preset.image
    network = place_network(
        AcquisitionProbe(preset.network, slice_count=image.slices, side=image.side, class_count=len(lesson.classes)),
        device,
        dimensions=2,
    )
    optimiser = AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    started, best, kept_epoch = time.perf_counter(), float("inf"), 0
    kept: dict[str, Tensor] = {}
    for epoch in range(settings.epochs):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * 0.5 * (1 + cos(pi * epoch / settings.epochs))
        network.train()
        for package, target in _draw_batches(lesson, preset, np.random.default_rng((seed, epoch)), device):
            optimiser.zero_grad()
            with autocast(device, settings.precision):
                logits = network(package)
            loss = functional.cross_entropy(logits.float(), target)
            torch.autograd.backward(loss)
            optimiser.step()
        found = _validate(network.eval(), lesson, preset, seed=seed, device=device)
        if not np.isfinite(found):
            raise TrainingError(f"the loss of a probe must stay finite, got {found} in epoch {epoch + 1}.")
        if found < best:
            best, kept_epoch = found, epoch + 1
            kept = {name: weight.detach().clone() for name, weight in network.state_dict().items()}
    network.load_state_dict(kept)
    return TrainedProbe(network.eval(), kept_epoch, best, time.perf_counter() - started)


def predict_packages(
    network: nn.Module, cases: Sequence[LabelledCase], lesson: ProbeLesson, preset: ProbePreset, *, seed: int
) -> NDArray[np.float64]:
    """Probabilities (cases, packages, classes) for random packages of each case.

    The packages of a case depend on the seed and its name alone, so that every variant is judged on the same slices.
    """
    device = next(network.parameters()).device
    shape = (len(cases), preset.packages, len(lesson.classes))
    packages = [
        _draw_package(case, lesson, preset, np.random.default_rng((seed, _TEST_STREAM, index, *case.case_id.encode())))
        for case in cases
        for index in range(preset.packages)
    ]
    logits = _apply(network, packages, preset, device)
    return np.asarray(torch.softmax(logits, dim=1).double().cpu().numpy()).reshape(shape)


def balance_cases(cases: Sequence[LabelledCase], generator: np.random.Generator) -> list[LabelledCase]:
    """Every case at least once, cases of smaller classes again, until all classes are as frequent as the largest."""
    by_label: dict[str, list[LabelledCase]] = {}
    for case in cases:
        by_label.setdefault(case.label, []).append(case)
    count = max(map(len, by_label.values()))
    drawn = [
        own[index]
        for own in (by_label[label] for label in sorted(by_label))
        for index in np.concatenate([generator.permutation(len(own)) for _ in range(-(-count // len(own)))])[:count]
    ]
    return [drawn[index] for index in generator.permutation(len(drawn))]


def _draw_batches(
    lesson: ProbeLesson, preset: ProbePreset, generator: np.random.Generator, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    cases = balance_cases(lesson.fold.train, generator)
    torch.manual_seed(int(generator.integers(2**63)))
    size = preset.training.batch_size
    for start in range(0, len(cases), size):
        batch = cases[start : start + size]
        if len(batch) > 1:
            packages = [_draw_package(case, lesson, preset, generator, flips=True) for case in batch]
            yield _stack(packages, device), _to_targets(batch, lesson.classes, device)


def _draw_package(
    case: LabelledCase,
    lesson: ProbeLesson,
    preset: ProbePreset,
    generator: np.random.Generator,
    *,
    flips: bool = False,
) -> NDArray[np.float32]:
    stack = lesson.stacks[case.case_id]
    return apply_package(stack, sample_package(preset.image, len(stack), generator, flips=flips))


def _validate(
    network: nn.Module, lesson: ProbeLesson, preset: ProbePreset, *, seed: int, device: torch.device
) -> float:
    """Cross-entropy, mean over classes: a class with many validation cases counts no more than another."""
    cases = lesson.fold.validation
    generator = np.random.default_rng((seed, _VALIDATION_STREAM))
    logits = _apply(network, [_draw_package(case, lesson, preset, generator) for case in cases], preset, device)
    targets = _to_targets(cases, lesson.classes, device)
    losses = functional.cross_entropy(logits, targets, reduction="none")
    present = sorted(set(targets.tolist()))
    return float(torch.stack([losses[targets == index].mean() for index in present]).mean())


@torch.inference_mode()
def _apply(
    network: nn.Module, packages: Sequence[NDArray[np.float32]], preset: ProbePreset, device: torch.device
) -> Tensor:
    size, logits = preset.training.batch_size, []
    for start in range(0, len(packages), size):
        with autocast(device, preset.training.precision):
            logits.append(network(_stack(packages[start : start + size], device)).float())
    return torch.cat(logits)


def _stack(packages: Sequence[NDArray[np.float32]], device: torch.device) -> Tensor:
    return torch.from_numpy(np.stack(packages)).to(device, memory_format=torch.channels_last)


def _to_targets(cases: Sequence[LabelledCase], classes: Sequence[str], device: torch.device) -> Tensor:
    return torch.tensor([classes.index(case.label) for case in cases], device=device)
