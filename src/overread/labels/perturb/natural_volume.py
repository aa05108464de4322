"""Natural label errors in three dimensions: the surface of the whole mask waves."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from overread.errors import InputError
from overread.labels.contours import CONTROL_POINTS
from overread.labels.seeds import draw_seed
from overread.labels.signed_distance import compute_signed_distance
from overread.labels.slices import check_mask
from overread.labels.smooth_field import LARGEST_VALUE, Box, draw_smooth_field
from overread.settings import Settings
from overread.types import Mask, Spacing

if TYPE_CHECKING:
    from overread.labels.settings import PerturbationSettings


class NaturalVolumeRecord(Settings):
    """What decides how the surface of one mask moves.

    Attributes:
        strength: standard deviation of the surface's offset along its normal, in the unit of the spacing.
        control_points: waves around the structure.
        seed: of the standard normal field that the strength scales.
    """

    mode: Literal["natural"] = "natural"
    volumetric: Literal[True] = True
    strength: float = Field(ge=0)
    control_points: int = CONTROL_POINTS
    seed: int


@dataclass(frozen=True)
class Surroundings:
    """The voxels of a mask that an offset of its surface can reach.

    Attributes:
        box: where they lie.
        inside: (*B) the mask in the box.
        distances: (*B) signed distance to the surface, in the unit of the spacing.
        waves: distance of the points at which offsets are drawn, in voxels along each axis.
        shape: of the whole mask.
    """

    box: Box
    inside: Mask
    distances: NDArray[np.float32]
    waves: tuple[float, ...]
    shape: tuple[int, ...]


def sample_natural_volume(settings: "PerturbationSettings", generator: np.random.Generator) -> NaturalVolumeRecord:
    """Draw the seed of one mask's errors."""
    return NaturalVolumeRecord(
        strength=settings.require_strength(), control_points=settings.control_points, seed=draw_seed(generator)
    )


def apply_natural_volume(mask: Mask, record: NaturalVolumeRecord, spacing: Spacing) -> Mask:
    """Move the surface along its normal by a smooth normal field.

    The perturbed mask is where signed distance + strength · field > 0, so that components, holes and tunnels of any
    kind are followed. Offsets are drawn at points whose distance is the circumference of the structure over
    `control_points`, as along the contour of a slice, but at least one voxel.

    Args:
        mask: (X, Y, Z) bool.
        record: what `sample_natural_volume` drew.
        spacing: voxel size along each axis.

    Raises:
        InputError: the mask is not a 3D mask of type bool.
    """
    perturbed = _check_volume(mask).copy()
    if record.strength == 0 or not mask.any() or mask.all():
        return perturbed
    near = survey_surroundings(mask, spacing, reach=record.strength, control_points=record.control_points)
    perturbed[near.box] = near.distances + np.float32(record.strength) * draw_offsets(near, record.seed) > 0
    return perturbed


def survey_surroundings(mask: Mask, spacing: Spacing, *, reach: float, control_points: int) -> Surroundings:
    """Measure the distances from the surface in the box that offsets of a strength up to `reach` can fill.

    Args:
        mask: (X, Y, Z) bool, with voxels on either side.
        spacing: voxel size along each axis.
        reach: largest strength, in the unit of the spacing.
        control_points: waves around the structure.
    """
    box = tuple(_widen_box(_check_volume(mask), spacing, LARGEST_VALUE * reach))
    wave = np.pi * _measure_diameter(mask, spacing) / control_points
    waves = tuple(max(wave / size, 1.0) for size in spacing)
    inside = mask[box]
    return Surroundings(box, inside, compute_signed_distance(inside, spacing), waves, mask.shape)


def draw_offsets(near: Surroundings, seed: int) -> NDArray[np.float32]:
    """The offsets of the surface at strength 1, (*B)."""
    return draw_smooth_field(near.shape, near.box, waves=near.waves, generator=np.random.default_rng(seed))


def _widen_box(mask: Mask, spacing: Spacing, margin: float) -> Iterator[slice]:
    """Bounding box, wider by the margin and at least one voxel on each side, within the grid."""
    for axis, size in enumerate(spacing):
        filled = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        extra = int(min(margin / size, mask.shape[axis])) + 1
        yield slice(max(int(filled[0]) - extra, 0), min(int(filled[-1]) + 1 + extra, mask.shape[axis]))


def _measure_diameter(mask: Mask, spacing: Spacing) -> float:
    """Diameter of a ball as large as the component that a voxel of the foreground lies in, in the mean over voxels."""
    from scipy.ndimage import label

    components, count = label(mask, structure=np.ones((3,) * mask.ndim))
    voxels = np.bincount(components.reshape(-1), minlength=count + 1)[1:]
    diameters = np.cbrt(6 * voxels * np.prod(spacing) / np.pi)
    return float(np.average(diameters, weights=voxels))


def _check_volume(mask: Mask) -> Mask:
    check_mask(mask)
    if mask.ndim != 3:
        raise InputError(
            "volumetric perturbations are for 3D masks", found=f"shape {mask.shape}", hint="leave out volumetric"
        )
    return mask
