"""Array shapes by name.

Axis letters: C channels; X, Y, Z the axes of a NIfTI volume in nibabel's order; Y, X rows and columns of a 2D image;
`*S` stands for the spatial axes, (X, Y, Z) in 3D and (Y, X) in 2D.
"""

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Mask: TypeAlias = NDArray[np.bool_]
"""(*S), True inside the structure."""

Image: TypeAlias = NDArray[np.float32]
"""(C, *S), intensities as stored."""

Probability: TypeAlias = NDArray[np.float32]
"""(*S), in [0, 1]."""

Spacing: TypeAlias = tuple[float, ...]
"""Distance of voxel centres along each spatial axis, in the study's length unit (mm, or px where unknown)."""

Affine: TypeAlias = NDArray[np.float64]
"""(4, 4), voxel indices to millimetres (RAS+)."""

MaskByCase: TypeAlias = Mapping[str, Mask]
