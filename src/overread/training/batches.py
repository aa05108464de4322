"""Batches of training patches, as tensors."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from overread.networks.hardware import select_memory_format
from overread.networks.settings import count_network_dimensions
from overread.study.working_cases import WorkingCase
from overread.training.sampling import apply_patch, sample_patch
from overread.training.settings import TrainingSettings


def sample_batch(
    cases: Sequence[WorkingCase], settings: TrainingSettings, generator: np.random.Generator, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Image (B, C, *P) and mask (B, 1, *P), both float32, without the last axis of slices."""
    records = [sample_patch(settings.sampling, cases, generator) for _ in range(settings.batch_size)]
    patches = [apply_patch(settings.sampling, cases, record) for record in records]
    dimensions = count_network_dimensions(settings.sampling.patch_size)
    shape = settings.sampling.patch_size[:dimensions]
    image = torch.from_numpy(np.stack([image for image, _ in patches])).reshape(len(patches), -1, *shape)
    mask = torch.from_numpy(np.stack([mask for _, mask in patches]).astype(np.float32)).reshape(len(patches), 1, *shape)
    return image.to(device, memory_format=select_memory_format(dimensions)), mask.to(device)
