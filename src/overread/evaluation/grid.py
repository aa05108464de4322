"""The grid on which masks are compared."""

from collections.abc import Sequence

import numpy as np

from overread.errors import InputError
from overread.types import Mask


def check_same_grid(masks: Sequence[Mask], *, where: str = "") -> None:
    """Refuse masks that cannot be compared voxel by voxel.

    Args:
        masks: each (*S).
        where: what an error says of their origin.

    Raises:
        InputError: the shapes differ, or a mask is not of type bool.
    """
    if len({mask.shape for mask in masks}) != 1:
        raise InputError(
            "masks that are compared must have one shape",
            found=" and ".join(str(mask.shape) for mask in masks),
            where=where,
            hint="resample them to the grid of the image",
        )
    if wrong := [str(mask.dtype) for mask in masks if mask.dtype != np.bool_]:
        raise InputError("a mask must be of type bool", found=wrong[0], where=where, hint="write mask > 0")


def crop_to_foreground(masks: Sequence[Mask]) -> list[Mask]:
    """Cut all masks to the smallest box that holds the foreground of each of them.

    Neither surfaces nor distances change, because what lies outside the box is background in every mask.

    Args:
        masks: each (*S), on one grid.

    Returns:
        Each (*s), C-contiguous; of size 0 where all masks are empty.
    """
    boxes = [box for box in map(_find_box, masks) if box is not None]
    if not boxes:
        return [np.zeros((0,) * mask.ndim, np.bool_) for mask in masks]
    union = tuple(slice(min(s.start for s in axis), max(s.stop for s in axis)) for axis in zip(*boxes, strict=True))
    return [np.ascontiguousarray(mask[union]) for mask in masks]


def _find_box(mask: Mask) -> tuple[slice, ...] | None:
    """Bounding box of the foreground, None where there is none; reads memory in the order in which it lies."""
    if mask.flags.f_contiguous and not mask.flags.c_contiguous:
        box = _find_box(mask.T)
        return box if box is None else box[::-1]
    rows = np.asarray(mask.any(axis=-1))
    if not rows.any():
        return None
    leading = tuple(_span(rows, axis) for axis in range(rows.ndim))
    return (*leading, _span(mask[leading], rows.ndim))


def _span(mask: Mask, axis: int) -> slice:
    indices = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
    return slice(int(indices[0]), int(indices[-1]) + 1)
