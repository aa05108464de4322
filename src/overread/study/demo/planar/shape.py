"""One irregular outline: an ellipse whose radius wavers with the direction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.study.demo.planar.look import REFERENCE_SIZE, Look
from overread.types import Mask

Plane = NDArray[np.float64]
"""(Y, X)."""

_LEAST_RATIO = 0.6
_FARTHEST_FROM_MIDDLE = 8
_GAP_TO_BORDER, _LEAST_PLAY = 3, 2
_WAVES = range(2, 8)
_WAVE, _WAVE_DECAY, _HIGHEST_WAVE = 0.13, 0.8, 0.45
_SHIFT_WAVES = range(5)
_LARGEST_SHARE = 0.6


@dataclass(frozen=True)
class Shape:
    """One object.

    Attributes:
        centre: row and column, px.
        radii: longer and shorter half-axis, px.
        direction: (Y, X) angle at which each pixel is seen from the centre, rad.
        distance: (Y, X) approximate signed distance to the outline, px, positive inside.
    """

    centre: tuple[float, float]
    radii: tuple[float, float]
    direction: Plane
    distance: Plane

    @property
    def mean_radius(self) -> float:
        """Geometric mean of both half-axes, px."""
        return float(np.sqrt(self.radii[0] * self.radii[1]))


def sample_shape(look: Look, size: int, generator: np.random.Generator) -> Shape:
    """Draw the outline that the image will show."""
    scale = size / REFERENCE_SIZE
    longer = scale * sample_logarithmically(look.radius, generator)
    shorter = longer * generator.uniform(_LEAST_RATIO, 1)
    turn = generator.uniform(0, np.pi)
    play = min(max(size / 2 - longer - _GAP_TO_BORDER * scale, _LEAST_PLAY * scale), _FARTHEST_FROM_MIDDLE * scale)
    row, column = (size / 2 + generator.uniform(-play, play, size=2)).tolist()
    down, right = np.arange(size)[:, None] - row, np.arange(size) - column
    direction = np.arctan2(down, right)
    along = right * np.cos(turn) + down * np.sin(turn)
    across = down * np.cos(turn) - right * np.sin(turn)
    waves = sum_waves(direction, [_WAVE / order**_WAVE_DECAY for order in _WAVES], _WAVES, generator)
    reach = 1 + np.clip(waves, -_HIGHEST_WAVE, _HIGHEST_WAVE)
    distance = (reach - np.hypot(along / longer, across / shorter)) * np.sqrt(longer * shorter)
    return Shape((row, column), (longer, shorter), direction, distance)


def sample_truth(shape: Shape, look: Look, generator: np.random.Generator) -> Mask:
    """Draw what a perfect reader outlines, (Y, X): one piece without holes, its border smoothly off the seen one."""
    waves = sum_waves(shape.direction, [look.border_shift] * len(_SHIFT_WAVES), _SHIFT_WAVES, generator)
    return keep_largest_piece(ndimage.binary_fill_holes(shape.distance + waves * shape.mean_radius > 0))


def has_fitting_area(truth: Mask, look: Look) -> bool:
    """Whether an object is neither too small to be outlined nor larger than most of the image."""
    scale = truth.shape[0] / REFERENCE_SIZE
    return bool(np.count_nonzero(truth) > look.least_area * scale**2 and truth.mean() < _LARGEST_SHARE)


def keep_largest_piece(mask: Mask) -> Mask:
    """The largest piece of a mask, the first of equals; pixels that touch at corners only are apart."""
    pieces, count = ndimage.label(mask)
    if count < 2:
        return mask
    return np.asarray(pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:]), np.bool_)


def sum_waves(direction: Plane, stds: Sequence[float], orders: Sequence[int], generator: np.random.Generator) -> Plane:
    """Sum of waves around the centre, each of random height and phase.

    Args:
        direction: (Y, X) in rad.
        stds: std of each wave's height.
        orders: periods of each wave in a full turn.
        generator: source of randomness.
    """
    heights = generator.normal(0, stds)
    phases = generator.uniform(0, 2 * np.pi, size=len(orders))
    total = np.zeros_like(direction)
    for height, order, phase in zip(heights, orders, phases, strict=True):
        total += height * np.cos(order * direction + phase)
    return total


def sample_logarithmically(bounds: tuple[float, float], generator: np.random.Generator) -> float:
    """Draw a positive number evenly on a logarithmic scale."""
    return float(np.exp(generator.uniform(*np.log(bounds))))
