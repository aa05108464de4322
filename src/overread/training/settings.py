"""How a network is trained."""

from typing import Literal

from pydantic import Field

from overread.settings import Settings


class SamplingSettings(Settings):
    """How training patches are drawn and varied."""

    patch_size: tuple[int, ...] = Field(description="voxels along each spatial axis of the working grid")
    foreground_fraction: float = Field(0.5, ge=0, le=1, description="share of patches centred on a labelled voxel")
    flip_axes: tuple[int, ...] = Field((), description="spatial axes that are flipped with probability 1/2")
    rotation_degrees: float = Field(0.0, ge=0, le=180, description="in-plane rotation, uniform in ± this")
    zoom_range: tuple[float, float] = Field((1.0, 1.0), description="magnification, log-uniform between the two")
    gain_range: tuple[float, float] = Field((1.0, 1.0), description="factor on intensities, uniform between the two")
    offset_range: tuple[float, float] = Field((0.0, 0.0), description="added to intensities, uniform, in std units")
    noise_std: float = Field(0.0, ge=0, description="std of added Gaussian noise, in std units of the image")


class TrainingSettings(Settings):
    """The loop: how long, with which loss and step size, in which precision."""

    epochs: int = Field(ge=1, description="upper bound; early stopping may end sooner")
    steps_per_epoch: int = Field(ge=1, description="optimiser steps per epoch")
    batch_size: int = Field(2, ge=1, description="patches per step")
    learning_rate: float = Field(1e-3, gt=0, description="step size of the optimiser at the start")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay of AdamW; 0 is plain Adam")
    schedule: Literal["constant", "cosine"] = Field("constant", description="cosine falls to 0 at the last epoch")
    loss: Literal["cross_entropy", "dice_cross_entropy"] = "cross_entropy"
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
