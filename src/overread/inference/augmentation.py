"""Test-time augmentation: an image is varied, and a prediction of it is brought back to where the image was."""

import math
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.inference.settings import UncertaintySettings
from overread.settings import Settings
from overread.types import Image, Mask, Probability, Spacing

_SQUARE_TOLERANCE = 0.01


class AugmentationRecord(Settings):
    """How one copy of an image is varied, in this order.

    Spatial axes beyond those named here, such as that of the slices for a network in 2D, are left alone.

    Attributes:
        zoom: magnification about the middle of the image.
        shift_voxels: per spatial axis, by how many voxels the magnified image moves on.
        flips: per spatial axis, whether the image is mirrored.
        quarter_turns: turns by 90° in the plane of the first two spatial axes, from the first towards the second.
    """

    zoom: float
    shift_voxels: tuple[int, ...]
    flips: tuple[bool, ...]
    quarter_turns: int

    @property
    def interpolates(self) -> bool:
        """Whether the image is magnified or moved, and not only mirrored or turned."""
        return self.zoom != 1 or any(self.shift_voxels)


def describe_identity(dimensions: int) -> AugmentationRecord:
    """The record that leaves an image as it is."""
    return AugmentationRecord(zoom=1.0, shift_voxels=(0,) * dimensions, flips=(False,) * dimensions, quarter_turns=0)


def sample_augmentation(
    settings: UncertaintySettings, generator: np.random.Generator, *, dimensions: int, square_plane: bool
) -> AugmentationRecord:
    """Draw the variation of one copy of an image.

    Args:
        settings: what is varied and how far.
        generator: source of the random numbers.
        dimensions: spatial axes that are varied, those of the network.
        square_plane: whether turns by 90° are possible, see `has_square_plane`.
    """
    low, high = settings.zoom_range
    greatest = settings.shift_voxels
    shift = generator.integers(-greatest, greatest, size=dimensions, endpoint=True)
    return AugmentationRecord(
        zoom=math.exp(generator.uniform(math.log(low), math.log(high))),
        shift_voxels=tuple(int(voxels) for voxels in shift),
        flips=tuple(axis in settings.flip_axes and bool(generator.integers(2)) for axis in range(dimensions)),
        quarter_turns=int(generator.integers(4)) if settings.quarter_turns and square_plane else 0,
    )


def has_square_plane(spacing: Spacing, patch_size: tuple[int, ...]) -> bool:
    """Whether an image may be turned by 90° in the plane of its first two spatial axes.

    Its voxels must be square there, to within 1 %, or the structure would change its proportions, and so must the
    windows of the network, or a turned image would be cut differently. The image itself may have any shape.
    """
    return math.isclose(spacing[0], spacing[1], rel_tol=_SQUARE_TOLERANCE) and patch_size[0] == patch_size[1]


def apply_augmentation(image: Image, record: AugmentationRecord) -> Image:
    """Vary an image.

    Beyond its rim the image goes on with the values there, so that no edge appears that the case does not have.
    Values between voxels are linear; flips, turns and shifts alone change no value.

    Args:
        image: (C, *W).
        record: what `sample_augmentation` drew.

    Returns:
        (C, *V), where V is W, with its first two sides exchanged after an odd number of quarter turns.
    """
    if record.interpolates:
        image = np.stack([_move(channel, record, inverse=False) for channel in image])
    flipped = np.flip(image, tuple(axis + 1 for axis in _flipped_axes(record)))
    return np.ascontiguousarray(np.rot90(flipped, record.quarter_turns, axes=(1, 2)))


def invert_augmentation(probability: Probability, record: AugmentationRecord) -> tuple[Probability, Mask | None]:
    """Bring the prediction of a varied image back to the grid of the image.

    Flips, turns and shifts are undone bit for bit, magnification to within the error of linear interpolation.

    Args:
        probability: (*V), predicted for what `apply_augmentation` returned.
        record: how the image was varied.

    Returns:
        (*W) probabilities, and (*W) where they mean something: False for voxels that lay outside the varied image,
        which the network did not see; None where it saw them all.
    """
    upright = np.rot90(probability, -record.quarter_turns, axes=(0, 1))
    unflipped = np.ascontiguousarray(np.flip(upright, _flipped_axes(record)))
    if not record.interpolates:
        return unflipped, None
    return _move(unflipped, record, inverse=True), _find_covered(unflipped.shape, record)


def _flipped_axes(record: AugmentationRecord) -> tuple[int, ...]:
    return tuple(axis for axis, flip in enumerate(record.flips) if flip)


def _move(values: NDArray[np.float32], record: AugmentationRecord, *, inverse: bool) -> NDArray[np.float32]:
    """Magnify and shift (*W); the inverse looks up, for each voxel of the image, where it went."""
    scale, offset = _locate(values.shape, record)
    if not inverse:
        scale, offset = 1 / scale, -offset / scale
    moved: NDArray[np.float32] = ndimage.affine_transform(values, scale, offset, order=1, mode="nearest")
    return moved


def _locate(shape: tuple[int, ...], record: AugmentationRecord) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Factor and offset per axis that lead from an index of the image to that in the magnified and shifted one."""
    untouched = len(shape) - len(record.shift_voxels)
    zoom = np.array([record.zoom] * len(record.shift_voxels) + [1.0] * untouched)
    shift = np.array([*record.shift_voxels, *(0,) * untouched], np.float64)
    middle = (np.array(shape) - 1) / 2
    return zoom, middle * (1 - zoom) + shift


def _find_covered(shape: tuple[int, ...], record: AugmentationRecord) -> Mask:
    indices = (np.arange(side) * a + b for side, a, b in zip(shape, *_locate(shape, record), strict=True))
    inside = [(index >= 0) & (index <= side - 1) for index, side in zip(indices, shape, strict=True)]
    covered: Mask = reduce(np.logical_and.outer, inside)
    return covered
