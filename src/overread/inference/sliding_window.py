"""Applying networks to whole images, window by window."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from overread.inference.settings import InferenceSettings
from overread.networks.hardware import Precision, autocast, select_memory_format
from overread.networks.settings import count_network_dimensions
from overread.types import Image, Probability


def predict_probability(
    network: nn.Module,
    image: Image,
    *,
    patch_size: tuple[int, ...],
    settings: InferenceSettings,
    precision: Precision,
    device: torch.device,
) -> Probability:
    """Put a network into evaluation mode and apply it to an image, (C, *W) → (*W) float32 in [0, 1].

    The arguments are those of `apply_network`.
    """
    network.eval()
    return apply_network(network, image, patch_size=patch_size, settings=settings, precision=precision, device=device)


@torch.inference_mode()
def apply_network(
    network: nn.Module,
    image: Image,
    *,
    patch_size: tuple[int, ...],
    settings: InferenceSettings,
    precision: Precision,
    device: torch.device,
) -> Probability:
    """Probability of foreground for each voxel, by a network in the mode that each of its layers is in.

    With windows of one slice, P = (X, Y, 1), each slice of the image is an image of its own for a network in 2D.

    Args:
        network: (B, C, *P) → (B, 1, *P) logits, without the last axis of slices.
        image: (C, *W), normalised, on the working grid.
        patch_size: P, the size of the windows.
        settings: overlap and batching of the windows.
        precision: as in training.
        device: where the network is.

    Returns:
        (*W) float32 in [0, 1].
    """
    from monai.inferers import sliding_window_inference

    dimensions = count_network_dimensions(patch_size)
    memory_format = select_memory_format(dimensions)

    def predict_windows(windows: Tensor) -> Tensor:
        with autocast(device, precision):
            logits: Tensor = network(windows.contiguous(memory_format=memory_format))
        return logits.float().sigmoid()

    by_slice = dimensions < len(patch_size)
    whole = torch.from_numpy(image).to(device)
    batch = whole.movedim(-1, 0).contiguous() if by_slice else whole[None]
    windowed = sliding_window_inference(
        batch,
        patch_size[:dimensions],
        settings.windows_per_batch,
        predict_windows,
        overlap=settings.overlap,
        mode="gaussian",
    )
    probability = windowed[:, 0].movedim(0, -1).contiguous() if by_slice else windowed[0, 0]
    result: Probability = probability.cpu().numpy()
    return result


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
