"""A relabelled source in a folder of its own, before it becomes a source of a study."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overread.study.label_set import LabelSet
from overread.study.rasters import read_raster
from overread.study.schema import Provenance
from overread.types import Affine, Mask


@dataclass(frozen=True)
class RelabelledFolder:
    """A relabelled source in a folder of its own.

    Attributes:
        folder: holds `<name>/` with the masks, `<name>.provenance.yaml`, and `review/` with `review.html`, `cases.csv`
            and `regions.csv`.
        name: name of the source.
    """

    folder: Path
    name: str

    @property
    def provenance_file(self) -> Path:
        """Says how the masks were made."""
        return self.folder / f"{self.name}.provenance.yaml"

    @property
    def review_folder(self) -> Path:
        """Holds the review list."""
        return self.folder / "review"

    def read_provenance(self) -> Provenance:
        """How the masks were made, and what came of each case."""
        return Provenance.read_yaml(self.provenance_file)

    def iterate_masks(self, suffix: str) -> Iterator[tuple[str, Mask, Affine | None]]:
        """Case id, mask (*S) and affine (None in 2D) of each case."""
        labels = LabelSet(self.name, self.folder / self.name, suffix)
        for case_id in self.read_provenance().cases:
            raster = read_raster(labels.path(case_id))
            yield case_id, np.asarray(raster.voxels) > 0, raster.affine
