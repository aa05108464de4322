"""Smooth random fields."""

import numpy as np
from scipy import ndimage

from overread.study.demo.shapes import Field


def sample_smooth_noise(shape: tuple[int, ...], correlation: float, generator: np.random.Generator) -> Field:
    """Gaussian random field with mean 0 and std 1.

    Drawn on a coarse lattice and interpolated where the correlation is long, for speed.

    Args:
        shape: (X, Y, Z) in points.
        correlation: std of the Gaussian kernel, in points.
        generator: source of randomness.
    """
    factor = max(1, int(correlation // 1.5))
    coarse = tuple(-(-size // factor) + 4 for size in shape)
    white = generator.standard_normal(coarse, dtype=np.float32)
    smooth = ndimage.gaussian_filter(white, correlation / factor, mode="wrap", truncate=3)
    smooth = (smooth - smooth.mean()) / smooth.std()
    if factor == 1:
        return np.asarray(smooth[tuple(slice(size) for size in shape)], np.float32)
    scale = np.full(len(shape), 1 / factor)
    return np.asarray(ndimage.affine_transform(smooth, scale, offset=1.0, output_shape=shape, order=1), np.float32)


def sample_banded_noise(shape: tuple[int, ...], correlation: float, generator: np.random.Generator) -> Field:
    """Random field of one dominant wavelength, mean 0 and std 1: the difference of two Gaussian-smoothed copies.

    The wavelength is about 5.7 times `correlation` (in points).
    """
    white = generator.standard_normal(shape, dtype=np.float32)
    fine = ndimage.gaussian_filter(white, correlation, mode="wrap", truncate=3)
    banded = fine - ndimage.gaussian_filter(white, 1.6 * correlation, mode="wrap", truncate=3)
    return np.asarray((banded - banded.mean()) / banded.std(), np.float32)
