"""What a file of a study holds, and when two affines agree."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.types import Affine, Spacing

AFFINE_TOLERANCE = 1e-3
"""Two affines agree when axes and origin differ by at most this share of the voxel size."""


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
