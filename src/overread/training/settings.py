"""How networks are trained: those that segment, the correction of their labels, and the source classifier."""

from typing import Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from overread.inference.settings import UncertaintySettings
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.names import RULE_DESCRIPTION, RuleChoice, RuleName, translate_earlier
from overread.labels.uncertainty_threshold import MOST_UNCERTAINTY
from overread.networks.settings import count_network_dimensions
from overread.settings import Settings

LossName: TypeAlias = Literal["cross_entropy", "dice_cross_entropy", "balanced_cross_entropy"]
RelabelRule: TypeAlias = Literal["uncertainty", "clean"]
"""The epoch in which the cumulative uncertainty falls fastest, or that of the best Dice with clean labels."""


class SamplingSettings(Settings):
    """How training patches are drawn and varied."""

    patch_size: tuple[int, ...] = Field(
        description="voxels along each spatial axis of the working grid; 1 along the last of three: axial slices, in 2D"
    )
    foreground_fraction: float = Field(0.5, ge=0, le=1, description="share of patches centred on a labelled voxel")
    keep_inside: bool = Field(
        False, description="move a patch so that it holds as much of the case as it can, before it is varied"
    )
    flip_axes: tuple[int, ...] = Field((), description="spatial axes that are flipped with probability 1/2")
    rotation_degrees: float = Field(0.0, ge=0, le=180, description="in-plane rotation, uniform in ± this")
    zoom_range: tuple[float, float] = Field((1.0, 1.0), description="magnification, log-uniform between the two")
    gain_range: tuple[float, float] = Field((1.0, 1.0), description="factor on intensities, uniform between the two")
    offset_range: tuple[float, float] = Field((0.0, 0.0), description="added to intensities, uniform, in std units")
    noise_std: float = Field(0.0, ge=0, description="std of added Gaussian noise, in std units of the image")

    @field_validator("patch_size")
    @classmethod
    def _is_a_shape(cls, sides: tuple[int, ...]) -> tuple[int, ...]:
        if len(sides) not in (2, 3) or min(sides) < 1:
            raise ValueError("patch_size must hold 2 or 3 positive numbers")
        return sides

    @field_validator("zoom_range", "gain_range", "offset_range")
    @classmethod
    def _is_a_range(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if limits[0] > limits[1]:
            raise ValueError("a range must be [lower, upper]")
        return limits

    @model_validator(mode="after")
    def _variations_fit(self) -> "SamplingSettings":
        if not set(self.flip_axes) <= set(range(len(self.patch_size))):
            raise ValueError(f"flip_axes must be axes of patch_size, 0 to {len(self.patch_size) - 1}")
        if self.zoom_range[0] <= 0:
            raise ValueError("zoom_range must be above 0")
        return self


class TrainingSettings(Settings):
    """The loop: how long, with which loss and step size, in which precision."""

    epochs: int = Field(ge=1, description="upper bound; early stopping may end sooner")
    steps_per_epoch: int = Field(ge=1, description="optimiser steps per epoch")
    batch_size: int = Field(2, ge=1, description="patches per step")
    learning_rate: float = Field(1e-3, gt=0, description="step size of the optimiser at the start")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay of AdamW; 0 is plain Adam")
    schedule: Literal["constant", "cosine"] = Field("constant", description="cosine falls to 0 at the last epoch")
    loss: LossName = "cross_entropy"
    validation_every: int = Field(1, ge=1, description="epochs between two looks at the validation cases")
    patience: int = Field(10, ge=1, description="validations without a better Dice before the training stops")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="auto: bf16 on a GPU or CPU that computes it in hardware, else fp32"
    )
    working_spacing: tuple[float, ...] | None = Field(
        None,
        description="voxel size that cases are resampled to, in the study's length unit; None keeps each case's own",
    )
    sampling: SamplingSettings

    @model_validator(mode="after")
    def _grid_fits(self) -> "TrainingSettings":
        spacing, axes = self.working_spacing, len(self.sampling.patch_size)
        if spacing is not None and (len(spacing) != axes or min(spacing) <= 0):
            raise ValueError(f"working_spacing must hold a positive number for each of the {axes} axes of patch_size")
        return self


class Relabelling(Settings):
    """How the masks of a training are relabelled on the way (Redekop and Chernyavskiy 2021)."""

    uncertainty: UncertaintySettings = Field(description="how uncertainty is estimated")
    members: int = Field(ge=1, description="networks that estimate it together, 1 for all methods but ensemble")
    after: RelabelRule | int = Field(
        description="what chooses the epoch after which masks are relabelled, or its number"
    )
    rule: RuleName = Field(description="how masks are changed, see `CorrectionSettings`")
    threshold: float | None = Field(
        None, description="paper, contradicted: a voxel changes sides above it; None chooses it from all training maps"
    )
    guards: RelabelGuards = Field(RelabelGuards(), description="which new masks are refused")

    @model_validator(mode="before")
    @classmethod
    def _reads_earlier_settings(cls, values: object) -> object:
        return translate_earlier(values)


class CorrectionSettings(Settings):
    """What a preset says about the correction of labels; the paper gives none of these values."""

    uncertainty: UncertaintySettings = Field(
        UncertaintySettings(), description="how uncertainty is estimated; the method is chosen with the pipeline"
    )
    members: int = Field(3, ge=2, description="ensemble: networks that are trained side by side")
    dropout: float = Field(0.2, gt=0, lt=1, description="mc_dropout: of networks that have none of their own")
    rule: RuleChoice = Field("auto", description=RULE_DESCRIPTION)
    guards: RelabelGuards = Field(RelabelGuards(), description="which new masks are refused")
    threshold: float | None = Field(
        None,
        gt=0,
        lt=MOST_UNCERTAINTY,
        description="paper, contradicted: uncertainty above which a voxel may change sides; null chooses it from the "
        "training maps",
    )
    folds: int = Field(3, ge=2, description="rounds of the cross-validation; one where cases.csv has a split column")

    @model_validator(mode="before")
    @classmethod
    def _reads_earlier_settings(cls, values: object) -> object:
        return translate_earlier(values)


class ClassifierSettings(Settings):
    """The source classifier of Schwartzman et al. (2019), sections 2.2 and 3.4.

    The paper's values: patches of 100³ voxels, batches of 1, dropout 0.5, learning rate 1e-3, four blocks; 7000
    training patches (MS, 11 scans) and about 500 test patches per scan, those of both sources together. It gives
    neither the width of the blocks, nor the number of epochs, nor a schedule of the step size. The defaults are for
    small 3D studies on one core.
    """

    patch_size: tuple[int, ...] = Field(
        (24, 24, 24),
        description="voxels along each spatial axis of the study; 1 along the last of three: axial slices, in 2D",
    )
    features: tuple[int, ...] = Field((8, 16, 32, 64), min_length=2, description="width of each block")
    dropout: float = Field(0.5, ge=0, lt=1, description="probability that a feature of the dense layer is dropped")
    epochs: int = Field(10, ge=1, description="the one with the best validation hit rate is kept")
    steps_per_epoch: int = Field(20, ge=1, description="optimiser steps per epoch")
    batch_size: int = Field(16, ge=1, description="patches per step; at each place one per source")
    learning_rate: float = Field(1e-3, gt=0, description="step size of Adam at the start; it falls to 0 as a cosine")
    flips: bool = Field(True, description="mirror training patches along each axis with probability 1/2")
    centre_jitter: int = Field(
        2, ge=0, description="voxels by which the centre of a patch may stray from the outline along each axis"
    )
    patches_per_case: int = Field(32, ge=1, description="patches per mask that are validated and tested on")
    precision: Literal["auto", "bf16", "fp32"] = Field(
        "auto", description="auto: bf16 on a GPU or CPU that computes it in hardware, else fp32"
    )
    seed: int = Field(0, ge=0, description="seeds weights, patches, dropout and the shuffled baseline")

    @field_validator("patch_size")
    @classmethod
    def _is_a_shape(cls, sides: tuple[int, ...]) -> tuple[int, ...]:
        if len(sides) not in (2, 3) or min(sides) < 1:
            raise ValueError("patch_size must hold 2 or 3 positive numbers")
        return sides

    @model_validator(mode="after")
    def _patches_outlast_the_poolings(self) -> "ClassifierSettings":
        smallest = 1 << (len(self.features) - 1)
        sides = self.patch_size[: count_network_dimensions(self.patch_size)]
        if min(sides) < smallest:
            raise ValueError(
                f"the sides of patch_size must be at least {smallest} for {len(self.features)} blocks, not {sides}"
            )
        return self


class ClassifierFold(Settings):
    """The cases of one round of the cross-validation; no subject is in two of its parts.

    Attributes:
        index: from 0.
        train: cases whose annotations the loss sees.
        validation: cases whose annotations choose the epoch.
        test: held-out cases.
    """

    index: int
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]
