"""Applying one network to a whole image."""

import torch
from torch import Tensor, nn

from overread.inference.settings import InferenceSettings
from overread.training.hardware import Precision, autocast, select_memory_format
from overread.types import Image, Probability


@torch.inference_mode()
def predict_probability(
    network: nn.Module,
    image: Image,
    *,
    patch_size: tuple[int, ...],
    settings: InferenceSettings,
    precision: Precision,
    device: torch.device,
) -> Probability:
    """Probability of foreground for each voxel.

    Args:
        network: (B, C, *P) → (B, 1, *P) logits; it is put into evaluation mode.
        image: (C, *W), normalised, on the working grid.
        patch_size: P, the size of the windows.
        settings: overlap and batching of the windows.
        precision: as in training.
        device: where the network is.

    Returns:
        (*W) float32 in [0, 1].
    """
    from monai.inferers import sliding_window_inference

    network.eval()
    memory_format = select_memory_format(len(patch_size))

    def predict_windows(windows: Tensor) -> Tensor:
        with autocast(device, precision):
            logits: Tensor = network(windows.contiguous(memory_format=memory_format))
        return logits.float().sigmoid()

    batch = torch.from_numpy(image)[None].to(device)
    probability = sliding_window_inference(
        batch, patch_size, settings.windows_per_batch, predict_windows, overlap=settings.overlap, mode="gaussian"
    )
    result: Probability = probability[0, 0].cpu().numpy()
    return result
