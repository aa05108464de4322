"""Predicting an outcome by logistic regression, fold by fold."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from overread.errors import InputError
from overread.evaluation.results import Interval
from overread.questions.crowd_disagreement.case_features import check_folds
from overread.questions.crowd_disagreement.feature_sets import Array, FeatureSet, free_columns, standardise
from overread.questions.crowd_disagreement.results import CrowdSettings

Folds = NDArray[np.int64]
Orders = NDArray[np.int64]


def sample_folds(outcome: NDArray[np.bool_], subjects: Sequence[str], *, folds: int, repeats: int, seed: int) -> Folds:
    """Divide cases into folds with about equal shares of both classes, all cases of a subject in one fold.

    Division r is that of scikit-learn's shuffled `StratifiedKFold` (`StratifiedGroupKFold` where subjects have several
    cases) with the random state `seed` · R + r, so that it can be repeated without Overread.

    Args:
        outcome: (N,).
        subjects: (N,) subject of each case.
        folds: number of folds.
        repeats: number of divisions, R.
        seed: of the shuffling, not negative.

    Returns:
        (R, N) the fold in which each case is held out, from 0.

    Raises:
        InputError: a class has fewer cases than there are folds, or a fold would hold one class alone.
    """
    check_folds(outcome, folds)
    divisions = np.empty((repeats, len(outcome)), np.int64)
    for repeat, division in enumerate(divisions):
        for fold, held_out in enumerate(_split(outcome, subjects, folds, seed * repeats + repeat)):
            division[held_out] = fold
            if len(set(outcome[held_out].tolist())) < 2:
                rule = "each fold must hold cases of both classes"
                hint = "some subjects have several cases, which stay together; choose fewer folds"
                raise InputError(rule, found="a fold of one class", hint=hint)
    return divisions


def _split(
    outcome: NDArray[np.bool_], subjects: Sequence[str], folds: int, random_state: int
) -> list[NDArray[np.int64]]:
    """Places of the held-out cases of each fold."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if len(set(subjects)) == len(subjects):
        splits = StratifiedKFold(folds, shuffle=True, random_state=random_state).split(outcome, outcome)
    else:
        splits = StratifiedGroupKFold(folds, shuffle=True, random_state=random_state).split(outcome, outcome, subjects)
    return [held_out for _, held_out in splits]


def sample_orders(subjects: Sequence[str], *, count: int, generator: np.random.Generator) -> Orders:
    """Draw random orders of the cases in which subjects change places as a whole.

    Subjects change places with subjects of as many cases, so that dependence between the cases of a subject is kept
    (whole-block exchangeability, Winkler et al. 2015).

    Args:
        subjects: (N,) subject of each case.
        count: number of orders, P.
        generator: source of randomness.

    Returns:
        (P, N) the place of the case whose outcome each case takes.
    """
    places: dict[str, list[int]] = {}
    for place, subject in enumerate(subjects):
        places.setdefault(subject, []).append(place)
    sizes = sorted({len(block) for block in places.values()})
    blocks = [np.array([block for block in places.values() if len(block) == size]) for size in sizes]
    orders = np.empty((count, len(subjects)), np.int64)
    for order in orders:
        for block in blocks:
            order[block] = generator.permutation(block)
    return orders


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


def cross_validate_exchanged(
    values: Array,
    outcome: NDArray[np.bool_],
    divisions: Folds,
    orders: Orders,
    features: FeatureSet,
    settings: CrowdSettings,
) -> Array:
    """Mean AUC over divisions and folds where each case has what another case's columns are when freed of one of them.

    That column, the outcomes and the folds stay; what the column leaves unexplained of all others changes places, the
    columns of a case together. Where the outcome depends on the others through that column alone, random orders are as
    good as the true one (permutation of residuals, Freedman and Lane 1983; every order is fitted anew).

    Args:
        values: (N, C) finite, as measured.
        outcome: (N,).
        divisions: (R, N) the fold in which each case is held out.
        orders: (P, N), see `sample_orders`.
        features: what predicts the outcome; freed of a column.
        settings: z-scoring and penalty.

    Returns:
        (P,).

    Raises:
        InputError: the set is not freed of a column.
    """
    if features.freed_of is None:
        raise InputError("residuals can be exchanged where a set is freed of a column", found=features.key)
    exchanged = free_columns(values, features.freed_of, np.ones(len(values)))[orders]
    exchanged[..., features.freed_of] = values[:, features.freed_of]
    outcomes = np.broadcast_to(outcome, orders.shape)
    by_division = [
        _score_divisions(exchanged, outcomes, np.broadcast_to(division, orders.shape), features, settings).mean(axis=1)
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
    """AUC of every fold, (D, k), for D divisions (D, N) with an outcome each, a batch at a time.

    Values are (N, C), or (D, N, C) where each division has its own.
    """
    folds = int(divisions.max()) + 1
    width = max(values.shape[-1], features.size + 1) * values.shape[-2] * folds
    per_batch = max(1, _BATCH_VALUES // width)
    places = [slice(start, start + per_batch) for start in range(0, len(divisions), per_batch)]
    batches = [
        _score_batch(
            values[None] if values.ndim == 2 else np.repeat(values[place], folds, axis=0),
            outcomes[place],
            divisions[place],
            features,
            settings,
        )
        for place in places
    ]
    return np.concatenate(batches).reshape(len(divisions), folds)


def _score_batch(
    values: Array, outcomes: NDArray[np.bool_], divisions: Folds, features: FeatureSet, settings: CrowdSettings
) -> Array:
    folds = int(divisions.max()) + 1
    held_out = (divisions[:, None, :] == np.arange(folds)[None, :, None]).reshape(-1, values.shape[-2])
    outcome = np.repeat(outcomes, folds, axis=0)
    learnt = (~held_out).astype(np.float64)
    scaled_by = learnt if settings.leak_free else np.ones((1, values.shape[-2]))
    columns = standardise(values, scaled_by)
    if features.freed_of is not None:
        columns = free_columns(columns, features.freed_of, learnt)
    predictors = standardise(features.derive(columns), scaled_by)
    coefficients = fit_logistic(predictors, outcome, learnt, inverse_penalty=settings.inverse_penalty)
    scores = score_cases(predictors, coefficients)
    return np.array([compute_auc(s[h], y[h]) for s, h, y in zip(scores, held_out, outcome, strict=True)])
