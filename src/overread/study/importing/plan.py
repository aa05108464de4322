"""What a layout hands to the writer: the cases to import, however they lie on disk, and how their channels are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from overread.errors import InputError
from overread.study.cases import Case
from overread.study.rasters import Raster, read_raster

SINGLE_CHANNEL = "image"
COLOURS = ("red", "green", "blue")


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


def read_channel_files(files: Mapping[str, Path]) -> dict[str, Raster]:
    """Read one file per channel; a single RGB file gives the channels red, green and blue.

    A 2D NIfTI file (X, Y) is taken as one slice (X, Y, 1).

    Raises:
        InputError: a file is damaged, or one of several channels is in colour.
    """
    rasters = {name: add_slice_axis(read_raster(path)) for name, path in files.items()}
    if len(rasters) == 1:
        raster = next(iter(rasters.values()))
        return _split_colours(raster) if _is_colour(raster) else rasters
    for name, raster in rasters.items():
        if _is_colour(raster):
            hint = "a file per channel is grey; an RGB file must be the only file of its case"
            raise InputError("a channel must be grey", found=f"RGB file {files[name].name}", hint=hint)
    return rasters


def read_volume_channels(file: Path, names: tuple[str, ...]) -> dict[str, Raster]:
    """Read a NIfTI file of one channel (X, Y, Z), or of several, channels last (X, Y, Z, C).

    Raises:
        InputError: the file is damaged, or holds another number of channels.
    """
    raster = read_raster(file)
    voxels = raster.voxels[..., np.newaxis] if raster.voxels.ndim == 3 else raster.voxels
    if voxels.ndim != 4 or voxels.shape[-1] != len(names):
        rule = f"a volume must hold the {len(names)} channels that dataset.json names, on its last axis"
        raise InputError(rule, found=f"shape {raster.voxels.shape}", where=file.name)
    return {
        name: Raster(np.ascontiguousarray(voxels[..., index]), raster.affine, raster.forms_agree)
        for index, name in enumerate(names)
    }


def add_slice_axis(raster: Raster) -> Raster:
    """Turn a 2D NIfTI image (X, Y) into one slice (X, Y, 1); any other raster stays as it is."""
    if raster.affine is None or raster.voxels.ndim != 2:
        return raster
    return Raster(raster.voxels[..., np.newaxis], raster.affine, raster.forms_agree)


def _is_colour(raster: Raster) -> bool:
    return raster.affine is None and raster.voxels.ndim == 3 and raster.voxels.shape[-1] == len(COLOURS)


def _split_colours(raster: Raster) -> dict[str, Raster]:
    return {
        colour: Raster(np.ascontiguousarray(raster.voxels[..., index]), None) for index, colour in enumerate(COLOURS)
    }
