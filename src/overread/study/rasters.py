"""Reading and writing the files of a study: NIfTI volumes and PNG or TIFF images, one channel each."""

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from isal import igzip
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from overread.errors import InputError
from overread.types import Affine, Mask, Spacing

VOLUME_SUFFIX = ".nii.gz"
IMAGE_SUFFIX = ".png"
_GZIP_LEVEL = 1


@dataclass(frozen=True)
class Raster:
    """One channel of one case, or one mask, as it is stored.

    Attributes:
        voxels: (*S) or, for a colour image, (Y, X, C); stored data type.
        affine: (4, 4) voxel to millimetre; None for PNG and TIFF.
    """

    voxels: NDArray[Any]
    affine: Affine | None

    @property
    def spacing_mm(self) -> Spacing | None:
        """Voxel size in mm; None for PNG and TIFF, which do not say."""
        return None if self.affine is None else compute_spacing_mm(self.affine)


def compute_spacing_mm(affine: Affine) -> Spacing:
    """Distance of neighbouring voxel centres along each array axis, in mm."""
    return tuple(float(size) for size in np.linalg.norm(affine[:3, :3], axis=0))


def read_raster(path: Path) -> Raster:
    """Read a NIfTI, PNG or TIFF file.

    Raises:
        InputError: the file is missing, truncated or of another format.
    """
    if not path.is_file():
        raise InputError("a raster file must exist", found=path)
    try:
        return _read_nifti(path) if path.name.endswith((".nii", ".nii.gz")) else _read_image(path)
    except (OSError, EOFError, ValueError, zlib.error, ImageFileError, UnidentifiedImageError) as error:
        raise InputError(
            "a raster file must be a whole NIfTI, PNG or TIFF file",
            found=path.name,
            where=str(error) or type(error).__name__,
            hint="copy the file again, it may be truncated",
        ) from error


def read_affine_and_shape(path: Path) -> tuple[Affine, tuple[int, ...]]:
    """Read the header of a NIfTI file only."""
    image = nib.nifti1.Nifti1Image.from_filename(path)
    return np.asarray(image.affine, np.float64), tuple(image.shape)


def write_volume(path: Path, voxels: NDArray[Any], affine: Affine) -> None:
    """Write a NIfTI volume, sform and qform alike, gzip without a time stamp so that equal content gives equal bytes."""
    image = nib.nifti1.Nifti1Image(voxels, affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm")
    content = image.to_bytes()
    if path.name.endswith(".gz"):
        buffer = io.BytesIO()
        with igzip.IGzipFile(filename="", fileobj=buffer, mode="wb", compresslevel=_GZIP_LEVEL, mtime=0) as file:
            file.write(content)
        content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def write_image(path: Path, pixels: NDArray[Any]) -> None:
    """Write a (Y, X) uint8 or uint16 image as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(pixels).save(path, format="PNG")


def write_mask(path: Path, mask: Mask, affine: Affine | None) -> None:
    """Write a mask as 0/1: PNG where there is no affine, else NIfTI."""
    voxels = mask.astype(np.uint8)
    if affine is None:
        write_image(path, voxels)
    else:
        write_volume(path, voxels, affine)


def _read_nifti(path: Path) -> Raster:
    content = path.read_bytes()
    if path.name.endswith(".gz"):
        content = igzip.decompress(content)
    image = nib.nifti1.Nifti1Image.from_bytes(content)
    scaled = image.dataobj.slope != 1 or image.dataobj.inter != 0
    voxels = image.get_fdata(dtype=np.float32) if scaled else np.asarray(image.dataobj)
    return Raster(voxels, np.asarray(image.affine, np.float64))


def _read_image(path: Path) -> Raster:
    if path.suffix.lower() in (".tif", ".tiff"):
        import tifffile

        return Raster(tifffile.imread(path), None)
    with PillowImage.open(path) as image:
        if image.mode != "P":
            return Raster(np.asarray(image), None)
        return Raster(np.asarray(image.convert("RGBA" if "transparency" in image.info else "RGB")), None)
