"""Cases in the plane of their first two principal components."""

import numpy as np

from overread.questions.crowd_disagreement.feature_sets import Array, standardise


def embed_cases(values: Array) -> tuple[Array, tuple[float, float]]:
    """Project z-scored columns on their first two principal components.

    The sign of a component is free; it is chosen so that the largest loading is positive.

    Args:
        values: (N, C), N and C at least 2.

    Returns:
        (N, 2) and the share of the variance along each component.
    """
    z_scored = standardise(values, np.ones(len(values)))
    left, singular, loadings = np.linalg.svd(z_scored, full_matrices=False)
    signs = np.array([np.sign(row[np.abs(row).argmax()]) for row in loadings[:2]])
    variance = singular**2 / (singular**2).sum()
    return left[:, :2] * singular[:2] * signs, (float(variance[0]), float(variance[1]))
