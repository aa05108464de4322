"""Natural label errors in three dimensions: the surface of the whole mask waves, and at each strength leaves a Dice."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from overread.errors import InputError
from overread.labels.contours import CONTROL_POINTS
from overread.labels.expected_dice import MeasureDice
from overread.labels.seeds import draw_seed
from overread.labels.slices import check_mask
from overread.settings import Settings
from overread.types import Mask, Spacing

if TYPE_CHECKING:
    from overread.labels.settings import PerturbationSettings

Box = tuple[slice, ...]

_SUPPORT = 4
"""Lattice points that a cubic B-spline reaches along each axis."""
LARGEST_VALUE = 5.0
"""Values beyond are cut off, one voxel in two million, so that a field is known to change nothing far away."""
_STEPS = 4096


def draw_smooth_field(
    shape: tuple[int, ...], box: Box, *, waves: tuple[float, ...], generator: np.random.Generator
) -> NDArray[np.float32]:
    """Draw a field that is standard normal at each voxel and smooth between them.

    Normal numbers on a coarse lattice are joined by cubic B-splines, whose weights are scaled at each voxel so that the
    variance is 1 everywhere. The numbers cover the whole grid: the field at a voxel does not depend on the box.

    Args:
        shape: (X, Y, Z) of the whole grid.
        box: the part of the grid that is wanted.
        waves: distance of the lattice points along each axis, in voxels, at least 1.
        generator: where the numbers come from.

    Returns:
        The values in the box, float32, in [-5, 5].
    """
    counts = [int(np.ceil((size - 1) / wave)) + _SUPPORT for size, wave in zip(shape, waves, strict=True)]
    field = generator.standard_normal(counts, dtype=np.float32)
    for axis, (part, wave, count) in enumerate(zip(box, waves, counts, strict=True)):
        weights = _weigh_lattice(np.arange(part.start, part.stop) / wave, count)
        field = np.moveaxis(np.tensordot(weights, field, axes=(1, axis)), 0, axis)
    return np.clip(field, -LARGEST_VALUE, LARGEST_VALUE)


def _weigh_lattice(places: NDArray[np.float64], count: int) -> NDArray[np.float32]:
    """Weight of each lattice point at each place, (places, lattice points); each row has length 1."""
    distances = np.abs(places[:, np.newaxis] + 1 - np.arange(count))
    near = 2 / 3 - distances**2 * (1 - distances / 2)
    far = np.maximum(2 - distances, 0) ** 3 / 6
    weights = np.where(distances < 1, near, far)
    return np.asarray(weights / np.linalg.norm(weights, axis=1, keepdims=True), np.float32)


def compute_signed_distance(mask: Mask, spacing: Spacing) -> NDArray[np.float32]:
    """Distance from each voxel centre to the boundary, in the unit of the spacing, positive inside.

    The boundary lies between voxels: the distance is that to the box of the nearest voxel on the other side, which is
    half a voxel for face neighbours, so no voxel has distance 0.

    Args:
        mask: (*S) bool, with at least one voxel on either side.
        spacing: voxel size along each axis.
    """
    inside = _measure_to_nearest(mask, spacing)
    outside = _measure_to_nearest(~mask, spacing)
    return np.where(mask, inside, -outside)


def _measure_to_nearest(mask: Mask, spacing: Spacing) -> NDArray[np.float32]:
    """Distance from each voxel of the mask to the box of the nearest voxel outside it."""
    from scipy.ndimage import distance_transform_edt

    nearest: Any = distance_transform_edt(mask, sampling=spacing, return_distances=False, return_indices=True)
    squares = np.zeros(mask.shape, np.float32)
    for axis, size in enumerate(spacing):
        own = np.arange(mask.shape[axis]).reshape([-1 if other == axis else 1 for other in range(mask.ndim)])
        voxels = np.abs(nearest[axis] - own).astype(np.float32)
        squares += (np.maximum(voxels - 0.5, 0) * np.float32(size)) ** 2
    return np.sqrt(squares)


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


def prepare_volume_dice(
    cases: Iterable[tuple[str, Mask, Spacing]],
    *,
    seeds: Callable[[str], Sequence[int]],
    reach: float,
    control_points: int,
) -> MeasureDice:
    """Mean Dice of the cases with foreground as a function of the strength, up to `reach`.

    Args:
        cases: case id, mask and spacing; one of them is held at a time.
        seeds: of the records of a case, whose Dice are averaged.
        reach: largest strength that will be asked for, in the unit of the spacing.
        control_points: waves around the structure.
    """
    strengths = np.linspace(0, reach, _STEPS + 1)
    curves = []
    for case_id, mask, spacing in cases:
        if mask.all():
            curves.append(np.ones_like(strengths))
        elif mask.any():
            near = survey_surroundings(mask, spacing, reach=reach, control_points=control_points)
            drawn = [_trace_dice(near, draw_offsets(near, seed), strengths) for seed in seeds(case_id)]
            curves.append(np.mean(drawn, axis=0))
    curve = np.mean(curves, axis=0)
    return lambda strength: float(np.interp(strength, strengths, curve))


def _trace_dice(
    near: Surroundings, offsets: NDArray[np.float32], strengths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Dice at each strength, from the strength at which each voxel changes sides: |distance| / |offset|."""
    changes = (near.distances > 0) != (offsets > 0)
    size = np.count_nonzero(near.inside)
    lost = _count_up_to(near, offsets, changes & near.inside, strengths)
    won = _count_up_to(near, offsets, changes & ~near.inside, strengths)
    return 2 * (size - lost) / (2 * size - lost + won)


def _count_up_to(
    near: Surroundings, offsets: NDArray[np.float32], which: Mask, strengths: NDArray[np.float64]
) -> NDArray[np.int64]:
    thresholds = np.abs(near.distances[which]) / np.maximum(np.abs(offsets[which]), np.finfo(np.float32).tiny)
    counts, _ = np.histogram(thresholds, strengths)
    return np.concatenate([[0], np.cumsum(counts)])
