"""Bringing stored intensities to the common scale that a network sees."""

import numpy as np

from overread.study.schema import IntensitySettings
from overread.types import Image


def normalise(image: Image, settings: IntensitySettings) -> Image:
    """Normalise each channel of an image by itself.

    Args:
        image: (C, *S), as stored.
        settings: the study's recipe. `z_score`: zero mean and unit variance, over the voxels that are not 0 where
            `nonzero_only` (the others stay 0). `window`: centre and width are mapped to [-1, 1] and clipped.

    Returns:
        (C, *S) float32.
    """
    if settings.recipe == "window":
        scaled = (image - settings.window_centre) / (settings.window_width / 2)
        return np.asarray(np.clip(scaled, -1, 1), np.float32)
    return np.stack([_z_score(channel, nonzero_only=settings.nonzero_only) for channel in image])


def _z_score(channel: Image, *, nonzero_only: bool) -> Image:
    inside = channel != 0 if nonzero_only else np.ones(channel.shape, bool)
    values = channel[inside]
    if values.size == 0:
        return np.zeros_like(channel, np.float32)
    mean, std = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    scaled = (channel - mean) / max(std, 1e-6)
    return np.where(inside, scaled, 0).astype(np.float32)
