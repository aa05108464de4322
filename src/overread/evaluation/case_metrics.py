"""The four metrics of two masks of one case.

| | both masks empty | one mask empty |
|---|---|---|
| Dice, surface Dice | 1.0 | 0.0 |
| HD95, ASSD | 0.0 | infinite |
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.errors import InputError
from overread.evaluation.grid import check_same_grid, crop_to_foreground
from overread.evaluation.overlap import compute_dice
from overread.evaluation.surfaces import Method, Surface, compute_directed_distances, extract_surface
from overread.types import Mask, Spacing

_ROUNDING = 1e-6
"""Relative error of spacings that went through single precision, as those of NIfTI headers do."""


@dataclass(frozen=True)
class CaseMetrics:
    """How well two masks of one case agree.

    Attributes:
        dice: 2|A ∩ B| / (|A| + |B|), in [0, 1].
        surface_dice: share of the voxels of both surfaces that lie within the tolerance of the other surface, in [0, 1]
            (Nikolov et al. 2021, with voxels counted instead of surface elements measured).
        hd95: the larger of the two directed 95th percentiles of surface distances (linear interpolation), in the unit
            of the spacing.
        assd: mean over the surface distances of both directions, pooled, in the unit of the spacing.
    """

    dice: float
    surface_dice: float
    hd95: float
    assd: float


@dataclass(frozen=True, eq=False)
class OutlinedMask:
    """A mask with its surface, so that the surface is found once however often the mask is compared."""

    mask: Mask
    surface: Surface


def compute_case_metrics(
    reference: Mask, prediction: Mask, *, spacing: Spacing, tolerance: float, method: Method = "auto"
) -> CaseMetrics:
    """Compare two masks of one case.

    Every metric is symmetric in the two masks. "Surface" and "distance" are defined in `overread.evaluation.surfaces`.

    Args:
        reference: (*S).
        prediction: (*S), on the same grid.
        spacing: distance of voxel centres along each axis, in mm (or px).
        tolerance: of the surface Dice, in the unit of the spacing.
        method: how distances are found; `auto` takes the faster way.

    Raises:
        InputError: masks, spacing or tolerance break a rule.
    """
    check_tolerance(tolerance)
    outlined = outline_masks([reference, prediction], spacing=spacing)
    return compare_outlined(*outlined, tolerance=tolerance, method=method)


def outline_masks(masks: Sequence[Mask], *, spacing: Spacing, where: str = "") -> list[OutlinedMask]:
    """Crop masks of one case to a common box and find their surfaces.

    Args:
        masks: each (*S), on one grid.
        spacing: distance of voxel centres along each axis.
        where: what an error says of their origin.

    Raises:
        InputError: masks or spacing break a rule.
    """
    check_same_grid(masks, where=where)
    if len(spacing) != masks[0].ndim or not all(0 < size < math.inf for size in spacing):
        raise InputError(f"spacing must hold {masks[0].ndim} positive numbers", found=spacing, where=where)
    return [OutlinedMask(mask, extract_surface(mask, spacing=spacing)) for mask in crop_to_foreground(masks)]


def compare_outlined(
    reference: OutlinedMask, prediction: OutlinedMask, *, tolerance: float, method: Method = "auto"
) -> CaseMetrics:
    """Compare two masks that were outlined together."""
    forth = compute_directed_distances(prediction.surface, reference.surface, method=method)
    back = compute_directed_distances(reference.surface, prediction.surface, method=method)
    if not forth.size and not back.size:
        return CaseMetrics(dice=1.0, surface_dice=1.0, hd95=0.0, assd=0.0)
    if not forth.size or not back.size:
        return CaseMetrics(dice=0.0, surface_dice=0.0, hd95=math.inf, assd=math.inf)
    count = forth.size + back.size
    limit = tolerance * (1 + _ROUNDING)
    return CaseMetrics(
        dice=compute_dice(reference.mask, prediction.mask),
        surface_dice=float((np.count_nonzero(forth <= limit) + np.count_nonzero(back <= limit)) / count),
        hd95=float(max(np.percentile(forth, 95), np.percentile(back, 95))),
        assd=float((forth.sum() + back.sum()) / count),
    )


def check_tolerance(tolerance: float) -> None:
    """Refuse a tolerance that is negative or not finite.

    Raises:
        InputError: it is.
    """
    if not 0 <= tolerance < math.inf:
        raise InputError("the surface tolerance must be 0 or more and finite", found=tolerance)
