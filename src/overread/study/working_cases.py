"""Cases as networks see them: intensities on a common scale, images and masks on the working grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from overread.study.label_set import LabelSet
from overread.study.schema import IntensitySettings
from overread.study.study import Study
from overread.types import Image, Mask, Probability, Spacing


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


@dataclass(frozen=True)
class WorkingCase:
    """One case as a network sees it.

    Attributes:
        case_id: the case.
        image: (C, *W) float32, normalised, on the working grid W.
        mask: (*W) bool, the source's mask on the working grid.
    """

    case_id: str
    image: Image
    mask: Mask

    @cached_property
    def foreground(self) -> NDArray[np.intp]:
        """Flat indices of the labelled voxels."""
        return np.flatnonzero(self.mask)


def compute_foreground_fraction(cases: Sequence[WorkingCase]) -> float:
    """Share of labelled voxels among all voxels of the cases, in [0, 1]."""
    return sum(int(case.mask.sum()) for case in cases) / sum(case.mask.size for case in cases)


def read_working_image(study: Study, case_id: str, working_spacing: Spacing | None) -> Image:
    """Read, normalise and resample the image of a case, (C, *W) float32."""
    image = normalise(study.read_image(case_id), study.settings.intensity)
    return resample_image(image, compute_working_shape(image.shape[1:], study.read_spacing(case_id), working_spacing))


def read_working_cases(
    study: Study, labels: LabelSet, case_ids: Sequence[str], working_spacing: Spacing | None
) -> tuple[WorkingCase, ...]:
    """Read images and masks of several cases."""
    images = ((case_id, read_working_image(study, case_id, working_spacing)) for case_id in case_ids)
    return tuple(
        WorkingCase(case_id, image, resample_mask(labels.read(case_id), image.shape[1:])) for case_id, image in images
    )
