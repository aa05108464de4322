"""What a file of a study holds, when two affines agree, and which rules an image or a mask breaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import describe_problem
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


def find_image_problems(channels: Mapping[str, Raster], *, dimensions: int, where: str) -> list[str]:
    """Name every rule that the channels of one case break: axes, geometry, finite and not constant, all alike.

    Args:
        channels: each (*S), by name.
        dimensions: 2 or 3.
        where: names the case.
    """
    problems: list[str] = []
    first: tuple[str, Raster] | None = None
    for name, raster in channels.items():
        place = f"{where}, channel {name!r}"
        own = find_shape_problems(raster, dimensions=dimensions, what="an image", where=place)
        own = own or _find_value_problems(raster, place)
        if not own and first is not None:
            own = find_mismatches(raster, first[1], what="a channel", other=f"channel {first[0]!r}", where=place)
        if not own and first is None:
            first = (name, raster)
        problems += own
    return problems


def find_shape_problems(raster: Raster, *, dimensions: int, what: str, where: str) -> list[str]:
    """Name what keeps a raster from being a grey (Y, X) image or a scalar (X, Y, Z) volume with a sound geometry."""
    shape, hint = raster.voxels.shape, ""
    if (raster.affine is not None) != (dimensions == 3):
        kinds = {2: "PNG or TIFF", 3: "NIfTI"}
        return [describe_problem(f"{what} of a {dimensions}D study must be {kinds[dimensions]}", where=where)]
    if raster.voxels.dtype.kind not in "buif":
        return [describe_problem(f"{what} must hold real numbers", found=raster.voxels.dtype, where=where)]
    if len(shape) != dimensions or 0 in shape:
        if dimensions == 3:
            hint = "write one file per channel; an axis of time is not supported"
        elif len(shape) == 3:
            hint = "drop the alpha channel, or write one file per page"
        return [describe_problem(f"{what} must have {dimensions} axes", found=f"shape {shape}", where=where, hint=hint)]
    return [] if raster.affine is None else _find_affine_problems(raster, raster.affine, where)


def find_mismatches(raster: Raster, image: Raster, *, what: str, other: str, where: str) -> list[str]:
    """Name the differences of shape and affine between a raster and the image that it belongs to."""
    if raster.voxels.shape != image.voxels.shape:
        found = f"{raster.voxels.shape} and {image.voxels.shape}"
        return [describe_problem(f"{what} must have the shape of {other}", found=found, where=where)]
    if raster.affine is None or image.affine is None or have_same_affine(image.affine, raster.affine):
        return []
    return [
        describe_problem(
            f"{what} must have the affine of {other}, to {AFFINE_TOLERANCE} of the voxel size",
            found=f"{_describe_affine(raster.affine)} and {_describe_affine(image.affine)}",
            where=where,
            hint="resample one onto the other; do not copy the header unless you know that only the header is wrong",
        )
    ]


def _find_value_problems(raster: Raster, where: str) -> list[str]:
    voxels = raster.voxels
    if voxels.dtype.kind == "f" and (bad := int(np.count_nonzero(~np.isfinite(voxels)))):
        hint = "replace them in the source, for example by the background's intensity"
        return [
            describe_problem(
                "an image must be finite", found=f"{bad} voxels of NaN or infinity", where=where, hint=hint
            )
        ]
    if voxels.min() == voxels.max():
        return [describe_problem("an image must not be constant", found=f"{voxels.flat[0]} everywhere", where=where)]
    return []


def _find_affine_problems(raster: Raster, affine: Affine, where: str) -> list[str]:
    spacing = compute_spacing_mm(affine)
    if not np.all(np.isfinite(affine)) or min(spacing) <= 0:
        hint = "check pixdim and the sform in the NIfTI header"
        return [
            describe_problem("spacing_mm must hold 3 positive numbers", found=_round(spacing), where=where, hint=hint)
        ]
    axes = affine[:3, :3] / np.array(spacing)
    if np.abs(axes.T @ axes - np.eye(3)).max() > AFFINE_TOLERANCE:
        hint = "resample it; for a tilted CT gantry dcm2niix does"
        return [
            describe_problem("the axes of a volume must be perpendicular", found="sheared axes", where=where, hint=hint)
        ]
    if not raster.forms_agree:
        hint = "find out which one is right and write both alike; tools differ in which one they read"
        return [
            describe_problem("sform and qform must agree", found="two geometries in one header", where=where, hint=hint)
        ]
    return []


def _describe_affine(affine: Affine) -> str:
    return f"voxels of {_round(compute_spacing_mm(affine))} mm with axes {_axes(affine)} at {_round(affine[:3, 3])}"


def _axes(affine: Affine) -> str:
    import nibabel as nib

    return "".join(code or "?" for code in nib.aff2axcodes(affine))


def _round(values: object) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in np.asarray(values))
