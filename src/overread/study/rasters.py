"""Reading and writing the files of a study: NIfTI volumes and PNG or TIFF images, one channel each."""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from isal import igzip, igzip_lib
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL.ImageFile import ImageFile

from overread.errors import InputError
from overread.study.file_endings import IMAGE_SUFFIX, NIFTI_SUFFIXES, VOLUME_SUFFIX
from overread.study.png import encode_png
from overread.types import Affine, Mask, Spacing

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
AFFINE_TOLERANCE = 1e-3
"""Two affines agree when axes and origin differ by at most this share of the voxel size."""
QFORM_TOLERANCE = 5e-3
"""The same for the two forms of one header: a qform keeps a rotation as three float32 numbers, and near a half turn
that leaves an error of up to 1.3e-3."""
_GZIP_LEVEL = 1
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
    HeaderDataError,
    WrapStructError,
    ImageFileError,
    PillowImage.DecompressionBombError,
    MemoryError,
)
"""What the readers raise for damaged files of every kind, as cut and altered files show."""


@dataclass(frozen=True)
class Raster:
    """One channel of one case, or one mask, as it is stored.

    Attributes:
        voxels: (*S) or, for a colour image, (Y, X, C); stored data type.
        affine: (4, 4) voxel to millimetre; None for PNG and TIFF. The sform where a NIfTI file has both forms.
        forms_agree: False for a NIfTI file whose sform and qform are both set and differ.
    """

    voxels: NDArray[Any]
    affine: Affine | None
    forms_agree: bool = True

    @property
    def spacing_mm(self) -> Spacing | None:
        """Voxel size in mm; None for PNG and TIFF, which do not say."""
        return None if self.affine is None else compute_spacing_mm(self.affine)


def compute_spacing_mm(affine: Affine) -> Spacing:
    """Distance of neighbouring voxel centres along each array axis, in mm."""
    return tuple(float(size) for size in np.linalg.norm(affine[:3, :3], axis=0))


def have_same_affine(first: Affine, second: Affine, tolerance: float = AFFINE_TOLERANCE) -> bool:
    """Whether two affines agree within a share of the voxel size of the first."""
    sizes = np.array(compute_spacing_mm(first))
    allowed = tolerance * np.append(sizes, sizes.min())
    return bool(np.all(np.abs(first[:3] - second[:3]) <= allowed))


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
            return _read_nifti(path)
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
    image = nib.nifti1.Nifti1Image.from_filename(path)
    return np.asarray(image.affine, np.float64), tuple(image.shape)


def write_volume(path: Path, voxels: NDArray[Any], affine: Affine) -> None:
    """Write a NIfTI volume, sform and qform alike; gzip without a time stamp, so equal content gives equal bytes."""
    image = nib.nifti1.Nifti1Image(voxels, affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm")
    content = image.to_bytes()
    if path.name.endswith(".gz"):
        # isal compresses faster, but equal content does not always give equal bytes.
        content = gzip.compress(content, _GZIP_LEVEL, mtime=0)
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


def _read_nifti(path: Path) -> Raster:
    content = path.read_bytes()
    if path.name.lower().endswith(".gz"):
        content = igzip.decompress(content)
    image = nib.nifti1.Nifti1Image.from_bytes(content)
    scaled = image.dataobj.slope != 1 or image.dataobj.inter != 0
    voxels = image.get_fdata(dtype=np.float32) if scaled else np.asarray(image.dataobj)
    sform, sform_code = image.get_sform(coded=True)
    qform, qform_code = image.get_qform(coded=True)
    forms_agree = sform_code == 0 or qform_code == 0 or have_same_affine(sform, qform, QFORM_TOLERANCE)
    return Raster(voxels, np.asarray(image.affine, np.float64), bool(forms_agree))


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
    depth = max(np.atleast_1d(tags.get(_BITS_PER_SAMPLE, 16 if "16" in str(image.tile) else 8)))
    if depth > 8 and len(image.getbands()) > 1:
        hint = "write one grey file per channel"
        raise InputError("a colour image must have 8 bits per colour", found=depth, where=name, hint=hint)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        hint = "tools differ in whether they invert it; save it as BlackIsZero, or as PNG"
        raise InputError("a TIFF file must not be WhiteIsZero", where=name, hint=hint)


def _merge_equal_colours(pixels: NDArray[Any]) -> NDArray[Any]:
    if pixels.ndim == 3 and pixels.shape[-1] == 3 and np.all(pixels == pixels[..., :1]):
        return pixels[..., 0]
    return pixels
