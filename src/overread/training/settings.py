"""How a network is trained."""

from typing import Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from overread.settings import Settings

LossName: TypeAlias = Literal["cross_entropy", "dice_cross_entropy", "balanced_cross_entropy"]


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
