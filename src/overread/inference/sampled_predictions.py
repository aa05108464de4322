"""The predictions of one network that an uncertainty is taken of, one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from torch import nn

from overread.inference.augmentation import (
    AugmentationRecord,
    apply_augmentation,
    describe_identity,
    has_square_plane,
    invert_augmentation,
    sample_augmentation,
)
from overread.inference.dropout import DropoutRecord, apply_dropout, sample_dropout, switch_to_evaluation
from overread.inference.settings import UncertaintySettings
from overread.inference.sliding_window import Windowing
from overread.types import Image, Mask, Probability, Spacing

PredictionRecord: TypeAlias = AugmentationRecord | DropoutRecord


@dataclass(frozen=True)
class SampledPrediction:
    """One of the predictions of an image.

    Attributes:
        record: what was drawn for it; `predict_sample` makes the same prediction of it again.
        probability: (*W) in [0, 1], on the grid of the image.
        covered: (*W), False where the probability says nothing; None where it says something everywhere.
    """

    record: PredictionRecord
    probability: Probability
    covered: Mask | None


def predict_samples(
    network: nn.Module,
    image: Image,
    *,
    spacing: Spacing,
    settings: UncertaintySettings,
    windowing: Windowing,
    generator: np.random.Generator,
) -> Iterator[SampledPrediction]:
    """Predict an image as often as the method asks for; each prediction is computed when it is asked for.

    Args:
        network: any segmentation network; the modes of its layers are as they were whenever a prediction is returned.
        image: (C, *W), normalised, on the working grid.
        spacing: voxel size of the working grid.
        settings: method and number of predictions.
        windowing: how the network is applied.
        generator: source of the random numbers.

    Raises:
        InputError: `mc_dropout` is asked for and the network has no dropout layers.
    """
    square_plane = has_square_plane(spacing, windowing.patch_size)
    records = sample_records(settings, generator, dimensions=windowing.dimensions, square_plane=square_plane)
    return (predict_sample(network, image, record, windowing) for record in records)


def sample_records(
    settings: UncertaintySettings, generator: np.random.Generator, *, dimensions: int, square_plane: bool
) -> tuple[PredictionRecord, ...]:
    """Draw what tells the predictions of one network from each other.

    The network of an ensemble predicts the image as it is. So does the first prediction of test-time augmentation, so
    that every voxel is covered at least once, however the others are shifted and magnified.
    """
    identity = describe_identity(dimensions)
    if settings.method == "ensemble":
        return (identity,)
    if settings.method == "mc_dropout":
        return tuple(sample_dropout(generator) for _ in range(settings.samples))
    varied = (
        sample_augmentation(settings, generator, dimensions=dimensions, square_plane=square_plane)
        for _ in range(settings.samples - 1)
    )
    return identity, *varied


def predict_sample(
    network: nn.Module, image: Image, record: PredictionRecord, windowing: Windowing
) -> SampledPrediction:
    """Make the prediction that a record stands for.

    With dropout every window drops features of its own, so that where windows overlap the means of two or more draws
    are taken, which vary less.
    """
    if isinstance(record, DropoutRecord):
        with apply_dropout(network, record, windowing.device):
            return SampledPrediction(record, windowing.apply(network, image), None)
    with switch_to_evaluation(network):
        varied = windowing.apply(network, apply_augmentation(image, record))
    return SampledPrediction(record, *invert_augmentation(varied, record))
