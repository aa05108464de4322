"""Uncertainty maps on disk: a folder per map, in it a file per case."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from overread.inference.uncertainty_maps import GREATEST_UNCERTAINTY, UncertaintyMaps
from overread.study.rasters import IMAGE_SUFFIX, VOLUME_SUFFIX, read_raster, write_image, write_volume
from overread.types import Affine

_GREATEST = {"probability": 1.0, "aleatoric": GREATEST_UNCERTAINTY, "epistemic": GREATEST_UNCERTAINTY}
_WHITE = np.iinfo(np.uint16).max


def write_uncertainty(folder: Path, case_id: str, maps: UncertaintyMaps, affine: Affine | None) -> None:
    """Write `<folder>/<map>/<case_id>`, the map being probability, aleatoric or epistemic.

    Volumes become NIfTI of float32 with the case's affine, bit for bit. Images become grey PNG of 16 bits, which any
    viewer opens: black is 0, white (65535) is a probability of 1 or an uncertainty of 0.25, so that values keep steps
    of 1.5e-5 and 3.8e-6.

    Args:
        folder: gets a folder for each map.
        case_id: the case.
        maps: (*S) each.
        affine: voxel to millimetre matrix of the case; None in 2D.
    """
    values = {"probability": maps.probability, "aleatoric": maps.aleatoric, "epistemic": maps.epistemic}
    for name, greatest in _GREATEST.items():
        if affine is None:
            pixels = np.rint(values[name] * (_WHITE / greatest)).astype(np.uint16)
            write_image(_path(folder, name, case_id, IMAGE_SUFFIX), pixels)
        else:
            write_volume(_path(folder, name, case_id, VOLUME_SUFFIX), values[name], affine)


def read_uncertainty(folder: Path, case_id: str, suffix: str) -> UncertaintyMaps:
    """Read the maps that `write_uncertainty` wrote.

    Args:
        folder: holds a folder for each map.
        case_id: the case.
        suffix: `Study.suffix` of the case's study.

    Raises:
        InputError: a map is missing or damaged.
    """
    return UncertaintyMaps(**{name: _read(_path(folder, name, case_id, suffix), _GREATEST[name]) for name in _GREATEST})


def _path(folder: Path, name: str, case_id: str, suffix: str) -> Path:
    return folder / name / f"{case_id}{suffix}"


def _read(path: Path, greatest: float) -> NDArray[np.float32]:
    voxels = read_raster(path).voxels
    return np.asarray(voxels * (greatest / _WHITE) if voxels.dtype == np.uint16 else voxels, np.float32)
