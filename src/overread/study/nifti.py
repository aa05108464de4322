"""NIfTI files; nibabel takes a while to import, so that this module is imported where such a file is met."""

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from isal import igzip
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from overread.study.raster import Raster, have_same_affine
from overread.types import Affine

QFORM_TOLERANCE = 5e-3
"""How far the two forms of one header may differ: a qform keeps a rotation as three float32 numbers, and near a half
turn that leaves an error of up to 1.3e-3."""
_GZIP_LEVEL = 1


def read_nifti(path: Path) -> Raster:
    """Read a NIfTI volume, scaled as its header says.

    Raises:
        ValueError: the header is damaged; a damaged file raises other errors too.
    """
    content = path.read_bytes()
    if path.name.lower().endswith(".gz"):
        content = igzip.decompress(content)
    try:
        image = nib.nifti1.Nifti1Image.from_bytes(content)
    except (HeaderDataError, WrapStructError, ImageFileError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    scaled = image.dataobj.slope != 1 or image.dataobj.inter != 0
    voxels = image.get_fdata(dtype=np.float32) if scaled else np.asarray(image.dataobj)
    sform, sform_code = image.get_sform(coded=True)
    qform, qform_code = image.get_qform(coded=True)
    forms_agree = sform_code == 0 or qform_code == 0 or have_same_affine(sform, qform, QFORM_TOLERANCE)
    return Raster(voxels, np.asarray(image.affine, np.float64), bool(forms_agree))


def read_header(path: Path) -> tuple[Affine, tuple[int, ...]]:
    """Affine and shape of a NIfTI volume."""
    image = nib.nifti1.Nifti1Image.from_filename(path)
    return np.asarray(image.affine, np.float64), tuple(image.shape)


def encode_nifti(voxels: NDArray[Any], affine: Affine, *, compress: bool) -> bytes:
    """A NIfTI volume as bytes, sform and qform alike; gzip without a time stamp, so equal content gives equal bytes."""
    image = nib.nifti1.Nifti1Image(voxels, affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm")
    content = image.to_bytes()
    # isal compresses faster, but equal content does not always give equal bytes.
    return gzip.compress(content, _GZIP_LEVEL, mtime=0) if compress else content
