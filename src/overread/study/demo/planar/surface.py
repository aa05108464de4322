"""What an object and its surroundings are made of: soft edge, uneven pigment, texture, and uneven light."""

import numpy as np

from overread.study.demo.fields import sample_smooth_noise
from overread.study.demo.planar.look import REFERENCE_SIZE, Look
from overread.study.demo.planar.shape import Plane, Shape, sample_logarithmically

_EDGE_VARIATION, _LEAST_EDGE, _STEEPEST = 0.6, 0.3, 30
_PIGMENT, _PIGMENT_WIDTH = 0.30, 5
_NETWORK, _NETWORK_WIDTH = 0.2, 1.3
_DARKEST_BLOTCH, _BLOTCH_PLACE, _BLOTCH_WIDTH = 0.8, 0.4, 0.35
_TEXTURE, _TEXTURE_WIDTH = 0.25, (0.8, 1.6)
_BLOTCHES, _BLOTCHES_WIDTH = 0.35, 9
_DARKEST_CORNER = 0.6
_NOISE = 0.15


def compute_soft_cover(shape: Shape, look: Look, generator: np.random.Generator) -> Plane:
    """Share of the object in each pixel, 0 to 1: a logistic edge whose width varies with the direction."""
    scale = len(shape.distance) / REFERENCE_SIZE
    periods, phase = generator.integers(1, 3), generator.uniform(0, 2 * np.pi)
    variation = 1 + _EDGE_VARIATION * np.cos(periods * shape.direction + phase)
    width = np.maximum(scale * sample_logarithmically(look.edge, generator) * variation, _LEAST_EDGE * scale)
    return np.asarray(1 / (1 + np.exp(-np.clip(shape.distance / width, -_STEEPEST, _STEEPEST))))


def sample_pigment(shape: Shape, generator: np.random.Generator) -> Plane:
    """Depth of the object's colour around 1: clouds, a fine network and a dark blotch off its middle."""
    size = len(shape.distance)
    scale = size / REFERENCE_SIZE
    (row, column), (longer, shorter) = shape.centre, shape.radii
    blotch_row = row + generator.normal(0, _BLOTCH_PLACE) * shorter
    blotch_column = column + generator.normal(0, _BLOTCH_PLACE) * longer
    blotch = generator.uniform(0, _DARKEST_BLOTCH) * compute_spot(
        size, blotch_row, blotch_column, _BLOTCH_WIDTH * longer
    )
    clouds = _PIGMENT * sample_smooth_noise((size, size), _PIGMENT_WIDTH * scale, generator)
    network = _NETWORK * sample_smooth_noise((size, size), _NETWORK_WIDTH * scale, generator)
    return np.asarray(1 + clouds + network + blotch, np.float64)


def sample_background(size: int, generator: np.random.Generator) -> Plane:
    """Grey values without an object: texture, blotches, corners in the shade, and noise of the camera."""
    scale = size / REFERENCE_SIZE
    texture = sample_smooth_noise((size, size), generator.uniform(*_TEXTURE_WIDTH) * scale, generator)
    blotches = sample_smooth_noise((size, size), _BLOTCHES_WIDTH * scale, generator)
    along = (np.arange(size) - size / 2) / (size / 2)
    shade = generator.uniform(0, _DARKEST_CORNER) * (along[:, None] ** 2 + along**2)
    noise = generator.standard_normal((size, size))
    return np.asarray(_TEXTURE * texture + _BLOTCHES * blotches - shade + _NOISE * noise, np.float64)


def compute_spot(size: int, row: float, column: float, width: float) -> Plane:
    """A round spot of height 1 with Gaussian flanks of std `width` px, (Y, X)."""
    down, right = np.arange(size)[:, None] - row, np.arange(size) - column
    return np.asarray(np.exp(-(down**2 + right**2) / (2 * width**2)))
