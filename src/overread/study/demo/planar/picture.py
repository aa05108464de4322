"""One image with the truth about its object."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.study.demo.planar.clutter import sample_lines, sample_spots
from overread.study.demo.planar.look import Look
from overread.study.demo.planar.shape import Plane, Shape, has_fitting_area, sample_shape, sample_truth
from overread.study.demo.planar.surface import compute_soft_cover, sample_background, sample_pigment
from overread.types import Mask

_BLACK, _WHITE = -4.2, 2.3


@dataclass(frozen=True)
class Picture:
    """An image and its truth.

    Attributes:
        image: (Y, X) uint8.
        truth: (Y, X), True within the object, as a perfect reader outlines it.
    """

    image: NDArray[np.uint8]
    truth: Mask


def sample_picture(look: Look, size: int, generator: np.random.Generator) -> Picture:
    """Draw objects until one is of fitting size, and take a picture of it.

    Args:
        look: what kind of object.
        size: side of the image, px.
        generator: source of randomness.
    """
    while True:
        shape = sample_shape(look, size, generator)
        truth = sample_truth(shape, look, generator)
        if has_fitting_area(truth, look):
            return Picture(_sample_image(shape, look, generator), truth)


def _sample_image(shape: Shape, look: Look, generator: np.random.Generator) -> NDArray[np.uint8]:
    size = len(shape.distance)
    depth = generator.uniform(*look.contrast)
    grey = sample_background(size, generator)
    grey -= depth * compute_soft_cover(shape, look, generator) * sample_pigment(shape, generator)
    grey -= sample_spots(shape, generator) + sample_lines(size, generator)
    return _to_bytes(grey)


def _to_bytes(grey: Plane) -> NDArray[np.uint8]:
    return np.clip((grey - _BLACK) / (_WHITE - _BLACK) * 255, 0, 255).astype(np.uint8)
