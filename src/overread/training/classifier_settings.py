"""How the source classifier is built, trained and tested."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from overread.networks.settings import count_network_dimensions
from overread.settings import Settings


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
