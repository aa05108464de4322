"""Training a probe: its network, its packages of slices and its epochs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from overread.errors import TrainingError
from overread.networks.hardware import autocast
from overread.questions.acquisition_bias.probe_folds import LabelledCase, ProbeFold
from overread.questions.acquisition_bias.probe_settings import ProbeImageSettings, ProbeNetworkSettings, ProbePreset
from overread.training.history import Epoch
from overread.training.loop import Course, Session, anneal_cosine, train
from overread.training.optimiser import AdamW

_BLOCK_COUNT = 3


class AcquisitionProbe(nn.Module):
    """The network of the paper “Name that manufacturer!”: 3 blocks, then one dense layer.

    A block is a 3×3 convolution, batch normalisation and max-pooling. The paper gives neither the widths of the blocks
    nor how features reach the dense layer. Here a ReLU follows each normalisation, and the features are averaged over
    the slice, or flattened, see `ProbeNetworkSettings`.

    Args:
        settings: widths, dropout, and what the dense layer sees.
        slice_count: slices that enter as channels.
        side: rows and columns of a slice; a multiple of 8.
        class_count: K.
    """

    def __init__(self, settings: ProbeNetworkSettings, *, slice_count: int, side: int, class_count: int) -> None:
        super().__init__()
        widths = (slice_count, *settings.widths)
        self.blocks = nn.Sequential(*(_build_block(before, after) for before, after in pairwise(widths)))
        small = side // 2**_BLOCK_COUNT if settings.features == "flattened" else 1
        self.pool = nn.Identity() if settings.features == "flattened" else nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Dropout(settings.dropout), nn.Linear(widths[-1] * small**2, class_count)
        )

    def forward(self, package: Tensor) -> Tensor:
        """Logits (B, K) of packages of slices, (B, slices, Y, X) in [-1, 1]."""
        logits: Tensor = self.dense(self.pool(self.blocks(package)))
        return logits


def _build_block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)
    )


@dataclass(frozen=True)
class PackageRecord:
    """Which slices of a case make a package, and how they are turned.

    Attributes:
        slices: indices into the case's stack, rising.
        flip_rows: the package is upside down.
        flip_columns: the package is mirrored left to right.
    """

    slices: tuple[int, ...]
    flip_rows: bool = False
    flip_columns: bool = False


def sample_package(
    settings: ProbeImageSettings, slice_count: int, generator: np.random.Generator, *, flips: bool
) -> PackageRecord:
    """Draw different slices of a case, in their order.

    A case with fewer slices than a package gives some of them again; a case of one slice, as in a 2D study, gives it
    in every channel, so that all cases fit one network.

    Args:
        settings: slices of a package, and the flips that may be drawn.
        slice_count: slices of the case.
        generator: draws.
        flips: draw flips, too; not for held-out cases.
    """
    order = generator.permutation(slice_count)
    return PackageRecord(
        slices=tuple(sorted(int(index) for index in np.resize(order, settings.slices))),
        flip_rows=flips and settings.flip_rows and bool(generator.integers(2)),
        flip_columns=flips and settings.flip_columns and bool(generator.integers(2)),
    )


def apply_package(stack: NDArray[np.float16], record: PackageRecord) -> NDArray[np.float32]:
    """Take the slices of a record from a case (N, Y, X); (slices, Y, X) float32."""
    package = stack[list(record.slices)].astype(np.float32)
    axes = tuple(axis for axis, flip in ((1, record.flip_rows), (2, record.flip_columns)) if flip)
    return np.ascontiguousarray(np.flip(package, axes))


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


class ProbeEpoch(Epoch):
    """One epoch of the training of a probe, whose loss is cross-entropy.

    Attributes:
        validation_loss: mean over classes, then over the cases of a class.
    """

    validation_loss: float


@dataclass(frozen=True)
class TrainedProbe:
    """A trained probe.

    Attributes:
        network: in evaluation mode, with the weights of the kept epoch.
        kept_epoch: the epoch with the lowest validation loss, from 1.
        reports: of all epochs.
        seconds: wall-clock time of the loop.
    """

    network: nn.Module
    kept_epoch: int
    reports: tuple[ProbeEpoch, ...]
    seconds: float

    @property
    def validation_loss(self) -> float:
        """Cross-entropy of the kept epoch, mean over classes, then over the cases of a class."""
        return self.reports[self.kept_epoch - 1].validation_loss


def train_probe(lesson: ProbeLesson, preset: ProbePreset, *, seed: int, session: Session[ProbeEpoch]) -> TrainedProbe:
    """Train a probe; keep the weights of the epoch with the lowest validation loss.

    Each epoch draws one package per case anew; cases of smaller classes are drawn again until every class has as many
    as the largest.

    Args:
        lesson: what to learn.
        preset: all settings.
        seed: seeds initialisation, packages and dropout.
        session: where to train, and what to resume.

    Raises:
        TrainingError: see `overread.training.loop.train`.
    """
    torch.manual_seed(seed)
    image = preset.image
    network = AcquisitionProbe(
        preset.network, slice_count=image.slices, side=image.side, class_count=len(lesson.classes)
    )
    state = train(network, _ProbeCourse(lesson, preset, seed), session=session)
    return TrainedProbe(network.eval(), state.kept_epoch, state.reports, state.seconds)


@dataclass(frozen=True)
class _ProbeCourse(Course[ProbeEpoch]):
    lesson: ProbeLesson
    preset: ProbePreset
    seed: int

    report_type = ProbeEpoch
    dimensions = 2

    @property
    def epochs(self) -> int:
        return self.preset.training.epochs

    def build_optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        settings = self.preset.training
        return AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)

    def compute_losses(self, network: nn.Module, epoch: int, device: torch.device) -> Iterator[tuple[float, Tensor]]:
        settings, generator = self.preset.training, np.random.default_rng((self.seed, epoch))
        learning_rate = anneal_cosine(settings.learning_rate, epoch, settings.epochs)
        for package, target in _draw_batches(self.lesson, self.preset, generator, device):
            with autocast(device, settings.precision):
                logits = network(package)
            yield learning_rate, functional.cross_entropy(logits.float(), target)

    def validate(self, network: nn.Module, epoch: int, device: torch.device) -> Mapping[str, float | None]:
        loss = _validate(network.eval(), self.lesson, self.preset, seed=self.seed, device=device)
        if not np.isfinite(loss):
            raise TrainingError(f"the validation loss must stay finite, got {loss} in epoch {epoch}.")
        return {"validation_loss": loss}

    def choose(self, reports: Sequence[ProbeEpoch]) -> int:
        return min(reports, key=lambda report: report.validation_loss).epoch


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
