"""Training patches, alone and in batches: what is drawn is kept as a record, which cuts the same patch again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from overread.networks.hardware import select_memory_format
from overread.networks.settings import count_network_dimensions
from overread.study.working_cases import WorkingCase
from overread.training.settings import SamplingSettings, TrainingSettings
from overread.types import Image, Mask


@dataclass(frozen=True)
class PatchRecord:
    """Where a patch is cut and how it is varied.

    Attributes:
        case_index: which of the training cases.
        centre: voxel of the working grid, one index per spatial axis, that is at index `side // 2` of the patch before
            it is varied; moved already where patches are kept inside.
        flips: per spatial axis, whether the patch is mirrored about its middle.
        rotation_radians: turn about the middle of the patch, in the plane of the first two spatial axes.
        zoom: magnification about the middle of the patch.
        gain: factor on each channel, (C,).
        offset: added to each channel after the gain, (C,).
        noise_seed: seeds the added noise.
    """

    case_index: int
    centre: tuple[int, ...]
    flips: tuple[bool, ...]
    rotation_radians: float
    zoom: float
    gain: tuple[float, ...]
    offset: tuple[float, ...]
    noise_seed: int


def sample_patch(
    settings: SamplingSettings, cases: Sequence[WorkingCase], generator: np.random.Generator
) -> PatchRecord:
    """Draw a case, a centre and the variations of one patch."""
    index = int(generator.integers(len(cases)))
    case = cases[index]
    channels, dimensions = case.image.shape[0], case.mask.ndim
    centre = _sample_centre(case, settings.foreground_fraction, generator)
    turn = math.radians(settings.rotation_degrees)
    low, high = settings.zoom_range
    return PatchRecord(
        case_index=index,
        centre=_move_inside(centre, case.mask.shape, settings.patch_size) if settings.keep_inside else centre,
        flips=tuple(axis in settings.flip_axes and bool(generator.integers(2)) for axis in range(dimensions)),
        rotation_radians=float(generator.uniform(-turn, turn)),
        zoom=math.exp(generator.uniform(math.log(low), math.log(high))),
        gain=_sample_uniform(settings.gain_range, channels, generator),
        offset=_sample_uniform(settings.offset_range, channels, generator),
        noise_seed=int(generator.integers(2**32)),
    )


def apply_patch(settings: SamplingSettings, cases: Sequence[WorkingCase], record: PatchRecord) -> tuple[Image, Mask]:
    """Cut the patch that a record describes.

    A patch whose last of three sides is 1 is of one slice: it is turned and zoomed in its plane alone.

    Returns:
        The image patch (C, *P) float32 and the mask patch (*P) bool; outside of the case they are 0, which is the mean
        intensity, and background.
    """
    case = cases[record.case_index]
    if record.rotation_radians == 0 and record.zoom == 1:
        image, mask = _crop(case, settings.patch_size, record)
    else:
        image, mask = _warp(case, settings.patch_size, record)
    shape = (-1,) + (1,) * mask.ndim
    gain, offset = (np.reshape(np.array(values, np.float32), shape) for values in (record.gain, record.offset))
    image = image * gain + offset
    if settings.noise_std:
        noise = np.random.default_rng(record.noise_seed).standard_normal(image.shape, np.float32)
        image += np.float32(settings.noise_std) * noise
    return image, mask


def _sample_centre(case: WorkingCase, foreground_fraction: float, generator: np.random.Generator) -> tuple[int, ...]:
    on_foreground = generator.random() < foreground_fraction
    if on_foreground and case.foreground.size:
        flat = int(generator.choice(case.foreground))
    else:
        flat = int(generator.integers(case.mask.size))
    return tuple(int(index) for index in np.unravel_index(flat, case.mask.shape))


def _move_inside(centre: tuple[int, ...], shape: tuple[int, ...], size: tuple[int, ...]) -> tuple[int, ...]:
    """The nearest centre whose patch lies inside the case, or holds it along an axis that is shorter than the patch."""
    ends = [sorted((side // 2, length - side + side // 2)) for length, side in zip(shape, size, strict=True)]
    return tuple(min(max(index, first), last) for index, (first, last) in zip(centre, ends, strict=True))


def _sample_uniform(limits: tuple[float, float], count: int, generator: np.random.Generator) -> tuple[float, ...]:
    return tuple(float(value) for value in generator.uniform(*limits, size=count))


def _crop(case: WorkingCase, size: tuple[int, ...], record: PatchRecord) -> tuple[Image, Mask]:
    image = np.zeros((case.image.shape[0], *size), np.float32)
    mask = np.zeros(size, bool)
    starts = [centre - side // 2 for centre, side in zip(record.centre, size, strict=True)]
    ends = [start + side for start, side in zip(starts, size, strict=True)]
    source = tuple(slice(max(0, a), min(b, n)) for a, b, n in zip(starts, ends, case.mask.shape, strict=True))
    target = tuple(slice(part.start - a, part.stop - a) for part, a in zip(source, starts, strict=True))
    image[(slice(None), *target)] = case.image[(slice(None), *source)]
    mask[target] = case.mask[source]
    flipped = tuple(axis for axis, flip in enumerate(record.flips) if flip)
    return np.flip(image, tuple(axis + 1 for axis in flipped)), np.flip(mask, flipped)


def _warp(case: WorkingCase, size: tuple[int, ...], record: PatchRecord) -> tuple[Image, Mask]:
    matrix, sides = _build_matrix(record), np.asarray(size)
    middle = (sides - 1) / 2
    offset = np.asarray(record.centre) - sides // 2 + middle - matrix @ middle
    image = np.stack(
        [
            ndimage.affine_transform(channel, matrix, offset, output_shape=size, order=1, mode="constant")
            for channel in case.image
        ]
    )
    mask = ndimage.affine_transform(case.mask, matrix, offset, output_shape=size, order=0, mode="constant")
    return image, mask


def _build_matrix(record: PatchRecord) -> NDArray[np.float64]:
    """Patch coordinates to case coordinates, both relative to their centres."""
    cosine, sine = math.cos(record.rotation_radians), math.sin(record.rotation_radians)
    rotation = np.eye(len(record.centre))
    rotation[:2, :2] = (cosine, -sine), (sine, cosine)
    return rotation @ np.diag([-1.0 if flip else 1.0 for flip in record.flips]) / record.zoom


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
