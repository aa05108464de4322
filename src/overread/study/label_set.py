"""A label set: the masks of one source, one file per case."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overread.study.rasters import read_raster
from overread.types import Mask


@dataclass(frozen=True)
class LabelSet:
    """The masks of a rater, a consensus, a network, …: `<folder>/<case_id><suffix>`.

    Attributes:
        name: the source's name.
        folder: where its masks lie.
        suffix: file name ending, `.nii.gz` or `.png`.
    """

    name: str
    folder: Path
    suffix: str

    def path(self, case_id: str) -> Path:
        """File of a case's mask, whether it exists or not."""
        return self.folder / f"{case_id}{self.suffix}"

    def select_labelled(self, case_ids: Sequence[str]) -> tuple[str, ...]:
        """The given cases that have a mask, in the given order."""
        return tuple(case_id for case_id in case_ids if self.path(case_id).is_file())

    def read(self, case_id: str) -> Mask:
        """Read a mask, (*S) bool.

        Raises:
            InputError: the case has no mask, or the file is damaged.
        """
        return np.asarray(read_raster(self.path(case_id)).voxels) > 0
