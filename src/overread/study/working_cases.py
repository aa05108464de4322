"""Cases in memory, normalised and on the working grid."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from overread.study.intensity import normalise
from overread.study.label_set import LabelSet
from overread.study.resampling import compute_working_shape, resample_image, resample_mask
from overread.study.study import Study
from overread.types import Image, Mask, Spacing


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
