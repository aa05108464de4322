"""Training a source classifier: its network and its epochs."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from overread.errors import InputError
from overread.networks.blocks import Encoder
from overread.networks.hardware import autocast
from overread.networks.settings import NetworkSettings, count_network_dimensions
from overread.questions.rater_bias.classifier_masks import DrawnMask
from overread.questions.rater_bias.classifier_patches import apply_patches, sample_test_patches, sample_training_patches
from overread.training import loop
from overread.training.history import Epoch
from overread.training.loop import Session
from overread.training.optimiser import Adam
from overread.training.settings import ClassifierSettings


class SourceClassifier(nn.Module):
    """Blocks of two convolutions, a dense layer and an output layer (Schwartzman et al. 2019, figure 3).

    Max-pooling by 2 follows every block but the last, batch normalisation every convolution. The paper does not say how
    the last block is joined to the dense layer, nor where its dropout is: here the features are averaged over the
    patch, so that it does not matter where in the patch an outline runs, and dropout precedes the output layer.

    Beside image and mask, the first block sees their product, the image inside the mask. Sources differ in where their
    outlines run in the image, and from separate channels that takes several hundred training steps to find.

    Args:
        features: width of each block; the dense layer is as wide as the last one.
        dropout: probability that a feature of the dense layer is dropped, in [0, 1).
        dimensions: spatial axes.
        channel_count: C, the channels of an image.
        source_count: R, the sources to tell apart.
    """

    def __init__(
        self, features: Sequence[int], *, dropout: float, dimensions: int, channel_count: int, source_count: int
    ) -> None:
        super().__init__()
        width = features[-1]
        self.encoder = Encoder(
            NetworkSettings(channels=tuple(features)), dimensions=dimensions, channel_count=2 * channel_count + 1
        )
        self.head = nn.Sequential(
            nn.Linear(width, width), nn.LeakyReLU(0.1), nn.Dropout(dropout), nn.Linear(width, source_count)
        )

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Classify patches.

        Args:
            image: (B, C, *P), normalised; each side is at least 2 to the power of the number of poolings.
            mask: (B, 1, *P) of 0 and 1.

        Returns:
            Logits, (B, R).
        """
        features, _ = self.encoder(torch.cat([image, image * mask, mask], dim=1))
        logits: Tensor = self.head(features.flatten(2).mean(dim=2))
        return logits


class ClassifierEpoch(Epoch):
    """One epoch of the training of a source classifier, whose loss is cross-entropy.

    Attributes:
        validation_loss: mean cross-entropy over the validation patches, with the labels that are learnt.
        validation_hit_rate: share of the validation patches whose most likely source is the label that is learnt.
    """

    validation_loss: float
    validation_hit_rate: float


def train_classifier(
    train: Sequence[DrawnMask],
    validation: Sequence[DrawnMask],
    *,
    source_count: int,
    settings: ClassifierSettings,
    session: Session[ClassifierEpoch],
    spreads_validation_labels: bool = False,
) -> tuple[SourceClassifier, tuple[ClassifierEpoch, ...]]:
    """Train a classifier and keep the weights of the epoch that `choose_epoch` chooses.

    Args:
        train: masks with the labels that are learnt.
        validation: masks of other subjects.
        source_count: R, the sources to tell apart.
        settings: how.
        session: where to train, and what to resume.
        spreads_validation_labels: give each validation mask all R labels in equal parts, patch by patch, instead of its
            own one. The epoch of the shuffled baseline is chosen so: a permutation per case, of few cases, would choose
            an epoch that is right, or wrong, more often than chance.

    Returns:
        The classifier, in evaluation mode, and what each epoch yielded.

    Raises:
        InputError: a source has no training mask, or there is no validation mask.
        TrainingError: see `overread.training.loop.train`.
    """
    _check_masks(train, validation, source_count)
    network = _build(train, source_count, settings)
    course = _ClassifierCourse(train, validation, source_count, settings, spreads_validation_labels)
    state = loop.train(network, course, session=session)
    return network.eval(), state.reports


@dataclass(frozen=True)
class _ClassifierCourse(loop.Course[ClassifierEpoch]):
    train: Sequence[DrawnMask]
    validation: Sequence[DrawnMask]
    source_count: int
    settings: ClassifierSettings
    spreads_validation_labels: bool

    report_type = ClassifierEpoch

    @property
    def epochs(self) -> int:
        return self.settings.epochs

    @property
    def dimensions(self) -> int:
        return count_network_dimensions(self.settings.patch_size)

    def build_optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        return Adam(network.parameters(), self.settings.learning_rate, fused=True)

    def compute_losses(self, network: nn.Module, epoch: int, device: torch.device) -> Iterator[tuple[float, Tensor]]:
        settings, count = self.settings, self.settings.steps_per_epoch
        for step in range(epoch * count, (epoch + 1) * count):
            generator = loop.seed_step(settings.seed, step)
            records = sample_training_patches(settings, self.train, generator, source_count=self.source_count)
            labels = torch.tensor([self.train[record.case_index].label for record in records], device=device)
            with autocast(device, settings.precision):
                logits = network(*apply_patches(settings, self.train, records, device))
            learning_rate = loop.anneal_cosine(settings.learning_rate, step, settings.epochs * count)
            yield learning_rate, _compute_balanced_loss(logits.float(), labels)

    def validate(self, network: nn.Module, _: int, device: torch.device) -> Mapping[str, float | None]:
        settings = self.settings
        log_probabilities = predict_patches(network, self.validation, settings=settings, device=device)
        learnt = _label_patches(
            self.validation, settings.patches_per_case, self.source_count, self.spreads_validation_labels
        )
        return {
            "validation_loss": -float(np.take_along_axis(log_probabilities, learnt[:, :, None], axis=2).mean()),
            "validation_hit_rate": float((log_probabilities.argmax(axis=2) == learnt).mean()),
        }

    def choose(self, reports: Sequence[ClassifierEpoch]) -> int:
        return choose_epoch(reports)


def choose_epoch(reports: Sequence[ClassifierEpoch]) -> int:
    """The epoch, counted from 1, with the best validation hit rate, of equal ones that with the lowest loss.

    The loss alone would go by the few cases that a source drew against its habit, and are taken for another's.
    """
    best = max(reports, key=lambda report: (report.validation_hit_rate, -report.validation_loss))
    return best.epoch


def predict_patches(
    network: nn.Module, masks: Sequence[DrawnMask], *, settings: ClassifierSettings, device: torch.device
) -> NDArray[np.float64]:
    """Classify the test patches of each mask.

    Returns:
        Logarithms of the probabilities, (N, P, R): masks, patches per mask, sources.
    """
    network.eval()
    records = [record for index in range(len(masks)) for record in sample_test_patches(settings, masks, index)]
    found = []
    for start in range(0, len(records), settings.batch_size):
        batch = apply_patches(settings, masks, records[start : start + settings.batch_size], device)
        with torch.inference_mode(), autocast(device, settings.precision):
            logits = network(*batch)
        found.append(torch.log_softmax(logits.double(), dim=1).cpu().numpy())
    return np.concatenate(found).reshape(len(masks), settings.patches_per_case, -1)


def write_epochs(path: Path, epochs: Sequence[ClassifierEpoch]) -> None:
    """Write one row per epoch as CSV."""
    columns = ("epoch", "loss", "validation_loss", "validation_hit_rate")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(epoch.model_dump() for epoch in epochs)


def _build(masks: Sequence[DrawnMask], source_count: int, settings: ClassifierSettings) -> SourceClassifier:
    torch.manual_seed(settings.seed)
    image = masks[0].case.image
    if len(settings.patch_size) != image.ndim - 1:
        raise InputError(
            f"patches of the source classifier must have the {image.ndim - 1} axes of the study",
            found=settings.patch_size,
        )
    return SourceClassifier(
        settings.features,
        dropout=settings.dropout,
        dimensions=count_network_dimensions(settings.patch_size),
        channel_count=image.shape[0],
        source_count=source_count,
    )


def _compute_balanced_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in which every source of the batch weighs the same, however many patches it has."""
    counts = torch.bincount(labels, minlength=logits.shape[1]).clamp(min=1)
    return nn.functional.cross_entropy(logits, labels, weight=1 / counts)


def _check_masks(train: Sequence[DrawnMask], validation: Sequence[DrawnMask], source_count: int) -> None:
    lacking = source_count - len({mask.source for mask in train})
    if lacking or not validation:
        raise InputError(
            "a source classifier must have outlined training masks of every source, and validation masks",
            found=f"none of {lacking} sources" if lacking else "no validation mask",
            hint="use fewer folds or leave a source out",
        )


def _label_patches(masks: Sequence[DrawnMask], patch_count: int, source_count: int, spreads: bool) -> NDArray[np.intp]:
    """Label of each validation patch, (N, P)."""
    labels = np.array([mask.label for mask in masks], np.intp)[:, None]
    return (labels + spreads * np.arange(patch_count)[None, :]) % source_count
