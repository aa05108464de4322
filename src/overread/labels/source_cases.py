"""The masks of a source, read one at a time and as often as they are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from overread.study.rasters import read_raster
from overread.study.study import Study
from overread.types import Affine, Mask, Spacing


@dataclass(frozen=True)
class SourceCase:
    """The mask of one case with its geometry.

    Attributes:
        mask: (*S) bool.
        affine: (4, 4) voxel to millimetre; None in 2D.
        spacing: voxel size along each axis, in the study's length unit.
    """

    mask: Mask
    affine: Affine | None
    spacing: Spacing


@dataclass(frozen=True)
class SourceCases:
    """The labelled cases of a source: iterating reads case id, mask and spacing of each anew, in the study's order."""

    study: Study
    source: str

    def __iter__(self) -> Iterator[tuple[str, Mask, Spacing]]:
        """Read one case after the other."""
        for case_id in self.study.labelled_case_ids(self.source):
            case = read_source_case(self.study, self.source, case_id)
            yield case_id, case.mask, case.spacing


def read_source_case(study: Study, source: str, case_id: str) -> SourceCase:
    """Read the mask of a case with the geometry that its file holds.

    Raises:
        InputError: the case has no mask, or the file is damaged.
    """
    raster = read_raster(study.labels(source).path(case_id))
    pixel = study.settings.pixel_size_mm or 1.0
    spacing = (pixel, pixel) if raster.spacing_mm is None else raster.spacing_mm
    return SourceCase(np.asarray(raster.voxels) > 0, raster.affine, spacing)
