"""Ridge-penalised logistic regression, many fits at once."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from overread.errors import InputError

Array: TypeAlias = NDArray[np.float64]

_MOST_STEPS, _MOST_HALVINGS = 100, 40
_TOLERANCE = 1e-8


def fit_logistic(features: Array, outcome: NDArray[np.bool_], weights: Array, *, inverse_penalty: float) -> Array:
    """Minimise C Σ w log-loss + ½ ‖β‖² by Newton's method, the intercept not penalised.

    The minimum is that of scikit-learn's `LogisticRegression`. A permutation test takes tens of thousands of small
    fits; all of them at once cost a small part of as many calls.

    Args:
        features: (B, N, K) for B fits, or (1, N, K) where they share their features.
        outcome: (B, N).
        weights: (B, N), 1 for a case to learn from and 0 for one that is held out.
        inverse_penalty: C, above 0.

    Returns:
        (B, K + 1), the intercept last.

    Raises:
        InputError: a fit does not converge.
    """
    design = _add_intercept(features)
    target, scaled = outcome.astype(np.float64), weights * inverse_penalty
    penalty = np.append(np.ones(features.shape[-1]), 0.0)
    coefficients = np.zeros((len(outcome), design.shape[-1]))
    loss = _compute_loss(design, target, scaled, penalty, coefficients)
    for _ in range(_MOST_STEPS):
        step = _compute_step(design, target, scaled, penalty, coefficients)
        if np.abs(step).max() < _TOLERANCE:
            return coefficients
        for _ in range(_MOST_HALVINGS):
            moved = _compute_loss(design, target, scaled, penalty, coefficients - step)
            is_worse = moved > loss + 1e-12 * np.abs(loss)
            if not is_worse.any():
                break
            step[is_worse] /= 2
        coefficients, loss = coefficients - step, moved
    raise InputError("a logistic regression must converge", hint="choose a smaller inverse_penalty")


def score_cases(features: Array, coefficients: Array) -> Array:
    """Log-odds of the positive class.

    Args:
        features: (B, N, K) or (1, N, K).
        coefficients: (B, K + 1).

    Returns:
        (B, N).
    """
    return _apply(_add_intercept(features), coefficients)


def _add_intercept(features: Array) -> Array:
    return np.concatenate([features, np.ones((*features.shape[:-1], 1))], axis=-1)


def _apply(design: Array, coefficients: Array) -> Array:
    return np.asarray((design @ coefficients[..., None])[..., 0], np.float64)


def _compute_loss(design: Array, target: Array, scaled: Array, penalty: Array, coefficients: Array) -> Array:
    logits = _apply(design, coefficients)
    loss = (scaled * (np.logaddexp(0, logits) - target * logits)).sum(axis=1)
    return np.asarray(loss + 0.5 * (penalty * coefficients**2).sum(axis=1), np.float64)


def _compute_step(design: Array, target: Array, scaled: Array, penalty: Array, coefficients: Array) -> Array:
    probability = expit(_apply(design, coefficients))
    turned = np.swapaxes(design, -1, -2)
    gradient = _apply(turned, scaled * (probability - target)) + penalty * coefficients
    curvature = (turned * (scaled * probability * (1 - probability))[:, None, :]) @ design + np.diag(penalty)
    return np.asarray(np.linalg.solve(curvature, gradient[..., None])[..., 0], np.float64)
