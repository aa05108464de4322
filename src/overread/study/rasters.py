"""Reading and writing the files of a study: NIfTI volumes and PNG or TIFF images, one channel each."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from isal import igzip_lib
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL.ImageFile import ImageFile

from overread.errors import InputError
from overread.study.file_endings import IMAGE_SUFFIX, NIFTI_SUFFIXES, VOLUME_SUFFIX
from overread.study.png import encode_png
from overread.study.raster import AFFINE_TOLERANCE, Raster, compute_spacing_mm, have_same_affine
from overread.types import Affine, Mask

__all__ = [
    "AFFINE_TOLERANCE",
    "IMAGE_SUFFIX",
    "VOLUME_SUFFIX",
    "Raster",
    "compute_spacing_mm",
    "have_same_affine",
    "read_affine_and_shape",
    "read_label_raster",
    "read_raster",
    "write_image",
    "write_mask",
    "write_volume",
]
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0
_ISAL_ERROR: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # its stub names an instance
_READ_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    SyntaxError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    _ISAL_ERROR,
    PillowImage.DecompressionBombError,
    MemoryError,
)
"""What the readers raise for damaged files of every kind, as cut and altered files show."""


def read_raster(path: Path) -> Raster:
    """Read a NIfTI, PNG or TIFF file.

    Raises:
        InputError: the file is missing, truncated or of another format.
    """
    return _read(path, as_labels=False)


def read_label_raster(path: Path) -> Raster:
    """Read a mask as it was labelled: a palette image as its indices, a colour image of equal channels as grey.

    Raises:
        InputError: the file is missing, truncated or of another format.
    """
    return _read(path, as_labels=True)


def _read(path: Path, *, as_labels: bool) -> Raster:
    if not path.is_file():
        raise InputError("a raster file must exist", found=path)
    try:
        if path.name.lower().endswith(NIFTI_SUFFIXES):
            return _read_volume(path)
        pixels = _read_pixels(path, palette_indices=as_labels)
    except _READ_ERRORS as error:
        raise InputError(
            "a raster file must be a whole NIfTI, PNG or TIFF file",
            found=path.name,
            where=str(error) or type(error).__name__,
            hint="copy the file again, it may be truncated",
        ) from error
    return Raster(_merge_equal_colours(pixels) if as_labels else pixels, None)


def read_affine_and_shape(path: Path) -> tuple[Affine, tuple[int, ...]]:
    """Read the header of a NIfTI file only."""
    from overread.study.nifti import read_header

    return read_header(path)


def write_volume(path: Path, voxels: NDArray[Any], affine: Affine) -> None:
    """Write a NIfTI volume; equal content gives equal bytes."""
    from overread.study.nifti import encode_nifti

    content = encode_nifti(voxels, affine, compress=path.name.endswith(".gz"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_image(path: Path, pixels: NDArray[Any]) -> None:
    """Write a (Y, X) uint8 or uint16 image as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels))


def write_mask(path: Path, mask: Mask, affine: Affine | None) -> None:
    """Write a mask as 0/1: PNG where there is no affine, else NIfTI."""
    voxels = mask.astype(np.uint8)
    if affine is None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(voxels, is_mask=True))
    else:
        write_volume(path, voxels, affine)


def _read_volume(path: Path) -> Raster:
    from overread.study.nifti import read_nifti

    return read_nifti(path)


def _read_pixels(path: Path, *, palette_indices: bool) -> NDArray[Any]:
    with PillowImage.open(path) as image:
        _check_pixels_are_plain(image, path.name)
        if image.mode != "P" or palette_indices:
            pixels = np.asarray(image)
        else:
            pixels = np.asarray(image.convert("RGBA" if "transparency" in image.info else "RGB"))
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _check_pixels_are_plain(image: ImageFile, name: str) -> None:
    """Refuse what Pillow would quietly cut short: further pages, the lower half of 16 bit colours, inverted greys."""
    tags = getattr(image, "tag_v2", {})
    if (page_count := getattr(image, "n_frames", 1)) > 1:
        raise InputError(
            "an image file must hold one page", found=page_count, where=name, hint="write one file per page"
        )
    depth = max(np.atleast_1d(tags.get(_BITS_PER_SAMPLE, 16 if "16" in _read_raw_mode(image) else 8)))
    if depth > 8 and len(image.getbands()) > 1:
        hint = "write one grey file per channel"
        raise InputError("a colour image must have 8 bits per colour", found=depth, where=name, hint=hint)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        hint = "tools differ in whether they invert it; save it as BlackIsZero, or as PNG"
        raise InputError("a TIFF file must not be WhiteIsZero", where=name, hint=hint)


def _read_raw_mode(image: ImageFile) -> str:
    """How a pixel lies in the file, `RGB;16B` for example."""
    arguments = image.tile[0][3] if image.tile else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _merge_equal_colours(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim == 3 and pixels.shape[-1] == 3 and np.all(pixels == pixels[..., :1]):
        return pixels[..., 0]
    return pixels
