"""What a layout reader hands to the writer: the cases to import, whatever they look like on disk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from overread.study.cases import Case
from overread.study.rasters import Raster


@dataclass(frozen=True)
class PlannedCase:
    """One case that is to be imported.

    Attributes:
        case: its row of the case table.
        image_files: the files that its channels are read from.
        read_channels: reads its channels, by name in their order; raises InputError for damaged files.
        masks: its mask file by source.
    """

    case: Case
    image_files: tuple[Path, ...]
    read_channels: Callable[[], dict[str, Raster]]
    masks: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportPlan:
    """A data set that is to be imported.

    Attributes:
        cases: in the order that the case table will have.
        dimensions: 2 for PNG and TIFF, 3 for NIfTI and DICOM.
        modality: what the layout says it is, if anything.
        target: what the layout says the masks outline, if anything.
        problems: what is wrong already, before any image was read.
    """

    cases: tuple[PlannedCase, ...]
    dimensions: Literal[2, 3]
    modality: str | None = None
    target: str | None = None
    problems: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of all sources, sorted."""
        return tuple(sorted({source for planned in self.cases for source in planned.masks}))
