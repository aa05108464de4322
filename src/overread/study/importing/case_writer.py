"""Checking one case and writing it into the new study."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError, StudyError, describe_problem
from overread.study.importing.plan import PlannedCase, add_slice_axis
from overread.study.importing.settings import ImportSettings
from overread.study.raster import find_image_problems, find_mismatches, find_shape_problems
from overread.study.rasters import (
    IMAGE_SUFFIX,
    VOLUME_SUFFIX,
    Raster,
    read_label_raster,
    write_image,
    write_mask,
    write_volume,
)
from overread.study.study import IMAGES_FOLDER, LABELS_FOLDER, compute_load
from overread.types import Mask

_LISTED_VALUES = 10
_DECIMALS = 3
"""Scaled NIfTI files hold 0.9999999 in the place of 1."""
_PIXEL_TYPES = (np.uint8, np.uint16)


def binarise_mask(voxels: NDArray[Any], label_values: tuple[int, ...]) -> tuple[Mask, float | None]:
    """Turn label values into a mask.

    Args:
        voxels: (*S) label values.
        label_values: values that make up the structure. When empty, the mask may hold 0 and one other value.

    Returns:
        The mask (*S), and its one foreground value: None where the mask is empty or `label_values` was given.

    Raises:
        InputError: the mask holds more than 0 and one other value, and `label_values` chooses none.
    """
    if voxels.dtype.kind == "f":
        voxels = np.round(voxels, _DECIMALS)
    if label_values:
        return np.isin(voxels, label_values), None
    mask = voxels != 0
    count = int(np.count_nonzero(mask))
    if count == 0:
        return mask, None
    value = voxels.flat[int(np.argmax(mask))]
    if np.count_nonzero(voxels == value) == count:
        return mask, float(value)
    raise InputError(
        "a mask must hold 0 and one other value",
        found=_list_values(voxels),
        hint="choose the structure with label_values; a map of probabilities must be thresholded first",
    )


def _list_values(voxels: NDArray[Any]) -> str:
    values = np.unique(voxels)
    listed = ", ".join(f"{value:g}" for value in values[:_LISTED_VALUES].tolist())
    return listed if len(values) <= _LISTED_VALUES else f"{listed}, … ({len(values)} values)"


@dataclass(frozen=True)
class WrittenCase:
    """What was found out while a case was written.

    Attributes:
        case_id: its name.
        channels: names of its channels, in order.
        loads: by source, in the study's load unit.
        foreground_values: by source, the value that stood for the structure; None where the mask is empty.
        problems: what is wrong with it.
    """

    case_id: str
    channels: tuple[str, ...]
    loads: Mapping[str, float]
    foreground_values: Mapping[str, float | None]
    problems: tuple[str, ...]


def write_case(folder: Path, planned: PlannedCase, settings: ImportSettings, *, dimensions: int) -> WrittenCase:
    """Read a case once, check it, and write its channels and masks below `folder` in the study format.

    A case with problems is reported and not written in full; the caller drops the folder.
    """
    case_id = planned.case.case_id
    where = f"case {case_id!r}"
    try:
        channels = {name: _to_storable(raster) for name, raster in planned.read_channels().items()}
    except InputError as error:
        return WrittenCase(case_id, (), {}, {}, (f"{where}: {error}",))
    problems = find_image_problems(channels, dimensions=dimensions, where=where)
    problems = problems or _find_pixel_problems(channels, where)
    if problems:
        return WrittenCase(case_id, tuple(channels), {}, {}, tuple(problems))
    for name, raster in channels.items():
        _write_channel(folder / IMAGES_FOLDER / case_id, name, raster)
    image = next(iter(channels.values()))
    spacing = image.spacing_mm or (settings.pixel_size_mm or 1.0,) * 2
    loads: dict[str, float] = {}
    values: dict[str, float | None] = {}
    for source, path in planned.masks.items():
        try:
            mask, values[source] = _read_mask(path, image, settings, where=f"{where}, source {source!r}")
        except StudyError as error:
            problems += error.problems
            continue
        write_mask(folder / LABELS_FOLDER / source / f"{case_id}{_choose_suffix(dimensions)}", mask, image.affine)
        loads[source] = compute_load(mask, spacing)
    return WrittenCase(case_id, tuple(channels), loads, values, tuple(problems))


def _read_mask(path: Path, image: Raster, settings: ImportSettings, *, where: str) -> tuple[Mask, float | None]:
    """Read a mask and its foreground value.

    Raises:
        StudyError: the file is damaged, does not fit the image, or its values are not those of one structure.
    """
    try:
        raster = add_slice_axis(read_label_raster(path))
        problems = find_shape_problems(raster, dimensions=image.voxels.ndim, what="a mask", where=where)
        problems = problems or find_mismatches(raster, image, what="a mask", other="its image", where=where)
        if problems:
            raise StudyError(problems)
        return binarise_mask(raster.voxels, settings.label_values)
    except InputError as error:
        raise StudyError([f"{where}: {error}"]) from error


def _find_pixel_problems(channels: Mapping[str, Raster], where: str) -> list[str]:
    return [
        describe_problem(
            "the pixels of a 2D image must be 8 or 16 bit whole numbers",
            found=raster.voxels.dtype,
            where=f"{where}, channel {name!r}",
            hint="scale them to 16 bit, or convert the images to NIfTI",
        )
        for name, raster in channels.items()
        if raster.affine is None and raster.voxels.dtype not in _PIXEL_TYPES
    ]


def _to_storable(raster: Raster) -> Raster:
    """Keep the data type where every reader knows it; 64-bit numbers and 16-bit floats become float32."""
    voxels: NDArray[Any] = raster.voxels
    if voxels.dtype.kind == "b":
        voxels = voxels.astype(np.uint8)
    elif voxels.dtype == np.float16 or (voxels.dtype.kind in "iuf" and voxels.dtype.itemsize >= 8):
        voxels = voxels.astype(np.float32)
    return Raster(voxels, raster.affine, raster.forms_agree)


def _write_channel(folder: Path, name: str, raster: Raster) -> None:
    if raster.affine is not None:
        write_volume(folder / f"{name}{VOLUME_SUFFIX}", raster.voxels, raster.affine)
    else:
        write_image(folder / f"{name}{IMAGE_SUFFIX}", raster.voxels)


def _choose_suffix(dimensions: int) -> str:
    return VOLUME_SUFFIX if dimensions == 3 else IMAGE_SUFFIX
