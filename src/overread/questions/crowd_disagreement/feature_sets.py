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
"""Keys of the three sets that the answer is about: without disagreement, with both, and disagreement alone."""


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
    """

    key: str
    title: str
    group: SetGroup
    size: int
    derive: Derivation
    is_disagreement: bool = False


def select_columns(places: Sequence[int]) -> Derivation:
    """Take some of the columns as they are."""
    chosen = list(places)
    return lambda columns: columns[..., chosen]


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
