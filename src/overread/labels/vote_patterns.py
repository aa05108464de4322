"""The votes of several raters on the voxels of one case, as distinct patterns and how often each occurs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.types import Mask

_LARGEST_TABLE = 2**16
"""Patterns up to which dropping the absent ones takes longer than it saves."""
_CHUNK = 2**20
"""Voxels that are widened to 8 byte numbers at a time."""


@dataclass(frozen=True)
class VotePatterns:
    """What R raters say of each voxel, told by the P patterns of votes that occur.

    Attributes:
        votes: (P, R) bool, the patterns; True is a vote for foreground.
        counts: (P,) int64, voxels of each pattern, at least 1.
        index: (*S) unsigned integers, the pattern of each voxel.
    """

    votes: NDArray[np.bool_]
    counts: NDArray[np.int64]
    index: NDArray[np.unsignedinteger[Any]]

    @property
    def rater_count(self) -> int:
        """R."""
        return int(self.votes.shape[1])

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the raters who vote for foreground, (P,) in [0, 1]."""
        return np.asarray(self.votes.mean(axis=1), np.float64)

    def paint(self, values: NDArray[Any]) -> NDArray[Any]:
        """Give every voxel the value of its pattern.

        Args:
            values: (P,), any data type.

        Returns:
            (*S), of that data type.
        """
        painted = np.empty_like(self.index, values.dtype)
        target, source = painted.ravel(order="K"), self.index.ravel(order="K")
        for start in range(0, source.size, _CHUNK):
            target[start : start + _CHUNK] = values[source[start : start + _CHUNK]]
        return painted


def count_vote_patterns(masks: Iterable[Mask]) -> VotePatterns:
    """Find which patterns of votes occur and count them, looking at each mask once.

    The table of patterns doubles with each rater, and when it grows long those that do not occur are dropped: it never
    holds more than twice as many as there are voxels, whatever the number of raters.

    Args:
        masks: (*S) bool, one per rater, all of one shape.

    Raises:
        InputError: there is no mask, a mask has no voxel, or shapes differ.
    """
    index: NDArray[np.unsignedinteger[Any]] | None = None
    votes = np.zeros((1, 0), np.bool_)
    for mask in masks:
        if index is None:
            index = np.zeros(mask.shape, np.uint8, order="F" if mask.flags.fnc else "C")
        if mask.shape != index.shape:
            raise InputError("masks must have one shape", found=f"{index.shape} and {mask.shape}")
        index, votes = _add_rater(index, votes, mask)
        if len(votes) > min(_LARGEST_TABLE, index.size):
            index, votes, _ = _drop_absent(index, votes)
    if index is None or not index.size:
        raise InputError("votes must be those of one or more masks that hold voxels", found="none")
    index, votes, counts = _drop_absent(index, votes)
    return VotePatterns(votes, counts, index)


def _add_rater(
    index: NDArray[np.unsignedinteger[Any]], votes: NDArray[np.bool_], mask: Mask
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.bool_]]:
    """Split every pattern in two; the second half of the new table holds those with a vote of the new rater."""
    size = len(votes)
    dtype = np.min_scalar_type(2 * size - 1)
    moved = np.empty_like(index, dtype)
    np.multiply(mask, dtype.type(size), out=moved)
    moved += index
    new_vote = np.repeat([False, True], size)[:, np.newaxis]
    return moved, np.hstack([np.tile(votes, (2, 1)), new_vote])


def _drop_absent(
    index: NDArray[np.unsignedinteger[Any]], votes: NDArray[np.bool_]
) -> tuple[NDArray[np.unsignedinteger[Any]], NDArray[np.bool_], NDArray[np.int64]]:
    voxels = index.ravel(order="K")
    counts = np.zeros(len(votes), np.int64)
    for start in range(0, voxels.size, _CHUNK):
        counts += np.bincount(voxels[start : start + _CHUNK].astype(np.intp), minlength=len(votes))
    present = np.flatnonzero(counts)
    if len(present) < len(votes):
        numbers = np.zeros(len(votes), np.min_scalar_type(len(present) - 1))
        numbers[present] = np.arange(len(present))
        index = VotePatterns(votes, counts, index).paint(numbers)
    return index, votes[present], counts[present]
