"""What applying any of several networks to a whole image has in common."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from overread.inference.settings import InferenceSettings
from overread.inference.sliding_window import apply_network
from overread.networks.hardware import Precision
from overread.networks.settings import count_network_dimensions
from overread.types import Image, Probability


@dataclass(frozen=True)
class Windowing:
    """How networks are applied to images on their working grid.

    Attributes:
        patch_size: size of the windows, in voxels; 1 along the last of three axes for networks in 2D.
        inference: overlap and batching of the windows.
        precision: as in training.
        device: where the networks are.
    """

    patch_size: tuple[int, ...]
    inference: InferenceSettings
    precision: Precision
    device: torch.device

    @property
    def dimensions(self) -> Literal[2, 3]:
        """Spatial axes of the networks."""
        return count_network_dimensions(self.patch_size)

    def apply(self, network: nn.Module, image: Image) -> Probability:
        """Apply a network in the mode that it is in, (C, *W) → (*W) float32 in [0, 1]."""
        return apply_network(
            network,
            image,
            patch_size=self.patch_size,
            settings=self.inference,
            precision=self.precision,
            device=self.device,
        )
