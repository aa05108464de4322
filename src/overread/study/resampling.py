"""Between a case's own grid and the grid on which networks work."""

import numpy as np
from skimage.transform import resize

from overread.types import Image, Mask, Probability, Spacing


def compute_working_shape(shape: tuple[int, ...], spacing: Spacing, working_spacing: Spacing | None) -> tuple[int, ...]:
    """Shape (*S) of a grid of the same extent with `working_spacing`; the shape itself where that is None."""
    if working_spacing is None:
        return shape
    sizes = zip(shape, spacing, working_spacing, strict=True)
    return tuple(max(1, round(size * old / new)) for size, old, new in sizes)


def resample_image(image: Image, shape: tuple[int, ...]) -> Image:
    """Resample (C, *S) to (C, *shape), linear, smoothed before it is made smaller."""
    if image.shape[1:] == shape:
        return image
    return np.stack([_resample(channel, shape) for channel in image])


def resample_mask(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """Resample (*S) to `shape`; a voxel is foreground where at least half of it is covered."""
    return mask if mask.shape == shape else _resample(mask.astype(np.float32), shape) >= 0.5


def resample_probability(probability: Probability, shape: tuple[int, ...]) -> Probability:
    """Resample (*S) to `shape`, linear."""
    return probability if probability.shape == shape else _resample(probability, shape)


def _resample(array: Image, shape: tuple[int, ...]) -> Image:
    smaller = any(new < old for new, old in zip(shape, array.shape, strict=True))
    result = resize(array, shape, order=1, mode="edge", anti_aliasing=smaller, preserve_range=True)
    return np.asarray(result, np.float32)
