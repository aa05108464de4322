"""How well a set of features tells the outcome of held-out cases."""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from overread.evaluation.results import Interval
from overread.questions.crowd_disagreement.feature_sets import Array, FeatureSet, standardise
from overread.questions.crowd_disagreement.folds import Folds, Orders
from overread.questions.crowd_disagreement.logistic_regression import fit_logistic, score_cases
from overread.questions.crowd_disagreement.settings import CrowdSettings

_BATCH_VALUES = 200_000


def compute_auc(scores: Array, outcome: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: the share of pairs of both classes in which the positive case scores higher.

    Args:
        scores: (N,); equal scores count half.
        outcome: (N,), both classes in it.
    """
    positive, negative = scores[outcome], scores[~outcome]
    difference = positive[:, None] - negative[None, :]
    return float((np.count_nonzero(difference > 0) + 0.5 * np.count_nonzero(difference == 0)) / difference.size)


def cross_validate(
    values: Array, outcome: NDArray[np.bool_], divisions: Folds, features: FeatureSet, settings: CrowdSettings
) -> Array:
    """AUC of every held-out fold.

    Args:
        values: (N, C) finite, as measured.
        outcome: (N,).
        divisions: (R, N) the fold in which each case is held out, from 0.
        features: what predicts the outcome.
        settings: z-scoring and penalty.

    Returns:
        (R, k).
    """
    outcomes = np.broadcast_to(outcome, divisions.shape)
    return _score_divisions(values, outcomes, divisions, features, settings)


def cross_validate_permuted(
    values: Array,
    outcome: NDArray[np.bool_],
    divisions: Folds,
    orders: Orders,
    features: FeatureSet,
    settings: CrowdSettings,
) -> Array:
    """Mean AUC over divisions and folds with outcomes in random order.

    A case takes outcome and folds of the same other case, so that all folds keep their classes.

    Args:
        values: (N, C) finite, as measured.
        outcome: (N,).
        divisions: (R, N) the fold in which each case is held out.
        orders: (P, N), see `sample_orders`.
        features: what predicts the outcome.
        settings: z-scoring and penalty.

    Returns:
        (P,).
    """
    by_division = [
        _score_divisions(values, outcome[orders], division[orders], features, settings).mean(axis=1)
        for division in divisions
    ]
    return np.asarray(np.mean(by_division, axis=0), np.float64)


def estimate_interval(aucs: Array, *, confidence: float, bounds: tuple[float, float] = (0.0, 1.0)) -> Interval:
    """Mean over repeats and folds with the corrected resampled t interval (Nadeau and Bengio 2003).

    Trainings of a repeated cross-validation share most of their cases, so that their spread over the square root of
    their number is too small; with J values of k folds the variance of the mean is taken as s² (1 / J + 1 / (k - 1))
    (Bouckaert and Frank 2004), with J - 1 degrees of freedom.

    Args:
        aucs: (R, k) one value per held-out fold.
        confidence: two-sided coverage aimed at, in (0, 1).
        bounds: the interval is cut at these.
    """
    mean = float(aucs.mean())
    variance = float(aucs.var(ddof=1)) * (1 / aucs.size + 1 / (aucs.shape[1] - 1))
    reach = float(stats.t.ppf((1 + confidence) / 2, aucs.size - 1)) * variance**0.5
    low, high = max(mean - reach, bounds[0]), min(mean + reach, bounds[1])
    return Interval(estimate=mean, low=low, high=high, confidence=confidence)


def _score_divisions(
    values: Array, outcomes: NDArray[np.bool_], divisions: Folds, features: FeatureSet, settings: CrowdSettings
) -> Array:
    """AUC of every fold, (D, k), for D divisions (D, N) with an outcome each, a batch at a time."""
    folds = int(divisions.max()) + 1
    width = max(values.shape[1], features.size + 1) * len(values) * folds
    per_batch = max(1, _BATCH_VALUES // width)
    batches = [
        _score_batch(
            values, outcomes[start : start + per_batch], divisions[start : start + per_batch], features, settings
        )
        for start in range(0, len(divisions), per_batch)
    ]
    return np.concatenate(batches).reshape(len(divisions), folds)


def _score_batch(
    values: Array, outcomes: NDArray[np.bool_], divisions: Folds, features: FeatureSet, settings: CrowdSettings
) -> Array:
    folds = int(divisions.max()) + 1
    held_out = (divisions[:, None, :] == np.arange(folds)[None, :, None]).reshape(-1, len(values))
    outcome = np.repeat(outcomes, folds, axis=0)
    learnt = (~held_out).astype(np.float64)
    scaled_by = learnt if settings.leak_free else np.ones((1, len(values)))
    predictors = standardise(features.derive(standardise(values[None], scaled_by)), scaled_by)
    coefficients = fit_logistic(predictors, outcome, learnt, inverse_penalty=settings.inverse_penalty)
    scores = score_cases(predictors, coefficients)
    return np.array([compute_auc(s[h], y[h]) for s, h, y in zip(scores, held_out, outcome, strict=True)])
