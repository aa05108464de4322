"""Sets of features that predict an outcome, each made of the measured columns of a case."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Derivation: TypeAlias = Callable[[Array], Array]
"""From z-scored columns (…, N, C) to features (…, N, K); each case by itself."""

SetGroup: TypeAlias = Literal["all", "feature", "annotator", "combined", "measure"]

CONSENSUS, COMBINED, DISAGREEMENT = "consensus", "combined", "disagreement"
"""Keys of the three sets that the answer is about: without disagreement, with both, and disagreement alone.

Of the masks of a study the consensus is their size, and disagreement is what size does not explain.
"""


@dataclass(frozen=True)
class FeatureSet:
    """One set of features.

    Attributes:
        key: unique among the sets of an analysis.
        title: for people.
        group: which experiment it belongs to.
        size: number of features, K.
        derive: makes the features.
        is_disagreement: whether it holds nothing but disagreement.
        freed_of: place of the column that all others are freed of before features are made, see `free_columns`; None
            leaves them as they are.
    """

    key: str
    title: str
    group: SetGroup
    size: int
    derive: Derivation
    is_disagreement: bool = False
    freed_of: int | None = None


def select_columns(places: Sequence[int]) -> Derivation:
    """Take some of the columns as they are."""
    chosen = list(places)
    return lambda columns: columns[..., chosen]


def free_columns(columns: Array, place: int, weights: Array) -> Array:
    """Take from each column its straight line on one of them; what is left does not go with that one.

    Args:
        columns: (…, N, C).
        place: of the column that the others are freed of; it stays as it is.
        weights: (…, N), 1 for a case that the lines are fitted to and 0 for one that is freed by the others' lines.

    Returns:
        (…, N, C); a column of the weights' cases that does not vary frees nothing.
    """
    share = (weights / weights.sum(axis=-1, keepdims=True))[..., None, :]
    centred = columns - share @ columns
    by = centred[..., [place]]
    spread = share @ (by * by)
    slopes = (share @ (by * centred)) / np.where(spread > 0, spread, 1.0)
    slopes[..., place] = 0.0
    return np.asarray(centred - by * slopes, np.float64)


def standardise(columns: Array, weights: Array) -> Array:
    """Bring each column to mean 0 and standard deviation 1 over the weighted cases; a constant column becomes 0.

    Args:
        columns: (…, N, C).
        weights: (…, N), 1 for a case that counts and 0 for one that is transformed with the others' mean and deviation.

    Returns:
        (…, N, C); the standard deviation is that of the population (N).
    """
    share = (weights / weights.sum(axis=-1, keepdims=True))[..., None, :]
    mean = share @ columns
    centred = columns - mean
    std = np.sqrt(share @ (centred * centred))
    is_constant = std <= 1e-12 * np.maximum(1.0, np.abs(mean))
    return np.asarray(centred / np.where(is_constant, 1.0, std), np.float64)
