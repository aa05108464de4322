"""A mask as a stack of its slices, and a sample of the slices of many masks."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.labels.seeds import seed_generator
from overread.types import Mask


def stack_slices(mask: Mask) -> Mask:
    """A contiguous copy of a mask, its slices along the first axis.

    Args:
        mask: (Y, X), which is one slice, or (X, Y, Z), with a slice for each Z.

    Returns:
        (1, Y, X) or (Z, X, Y).

    Raises:
        InputError: the mask is not bool, or has neither two nor three axes.
    """
    check_mask(mask)
    return np.array(mask[np.newaxis] if mask.ndim == 2 else np.moveaxis(mask, -1, 0), order="C")


def unstack_slices(slices: Mask, ndim: int) -> Mask:
    """Undo `stack_slices` for a mask of `ndim` axes."""
    return slices[0] if ndim == 2 else np.ascontiguousarray(np.moveaxis(slices, 0, -1))


def check_mask(mask: Mask) -> None:
    """Check that a mask can be perturbed.

    Raises:
        InputError: it is not bool, or has neither two nor three axes.
    """
    if mask.dtype != np.bool_:
        raise InputError("a mask must be of type bool", found=mask.dtype)
    if mask.ndim not in (2, 3):
        raise InputError("a mask must have two or three axes", found=f"shape {mask.shape}")


@dataclass(frozen=True)
class SampledSlice:
    """One slice with foreground, one bit per voxel.

    Attributes:
        case_id: the case that it is of.
        index: its place in the stack of the case's slices.
        bits: the packed voxels.
        shape: (rows, columns).
    """

    case_id: str
    index: int
    bits: NDArray[np.uint8]
    shape: tuple[int, int]

    def unpack(self) -> Mask:
        """The slice, (rows, columns) bool."""
        voxels = np.unpackbits(self.bits, count=self.shape[0] * self.shape[1])
        return voxels.view(np.bool_).reshape(self.shape)


def sample_slices(stacks: Iterable[tuple[str, Mask]], *, most: int, seed: int) -> tuple[SampledSlice, ...]:
    """Draw slices with foreground, each with equal probability, without holding more than one stack.

    Which slices are drawn does not depend on the order of the cases.

    Args:
        stacks: case id and slices, (slices, rows, columns) bool.
        most: number of slices; all of them if there are fewer.
        seed: of the draw.

    Returns:
        The slices, those of a case next to each other.
    """
    heap: list[tuple[float, str, int, SampledSlice]] = []
    for case_id, stack in stacks:
        filled = np.flatnonzero(stack.any(axis=(1, 2)))
        ranks = seed_generator(seed, "slices", case_id).random(len(filled))
        for index, rank in zip(filled.tolist(), ranks.tolist(), strict=True):
            if len(heap) == most and -rank <= heap[0][0]:
                continue
            plane = SampledSlice(case_id, index, np.packbits(stack[index]), stack[index].shape)
            (heapq.heappush if len(heap) < most else heapq.heapreplace)(heap, (-rank, case_id, index, plane))
    return tuple(sorted((entry[-1] for entry in heap), key=lambda plane: (plane.case_id, plane.index)))
