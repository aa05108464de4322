"""Area under the ROC curve, for two and more classes, with its bootstrap over subjects."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.results import Interval

RESAMPLES = 2000
_BATCH = 250


def compute_auroc(scores: NDArray[np.float64], is_positive: NDArray[np.bool_]) -> float:
    """Probability that a positive case scores above a negative one, ties counting half (Mann and Whitney 1947).

    Args:
        scores: (N,).
        is_positive: (N,).

    Returns:
        In [0, 1]; NaN where all cases are positive, or none is.
    """
    return float(compute_weighted_aurocs(scores, is_positive, np.ones((1, len(scores))))[0])


def compute_weighted_aurocs(
    scores: NDArray[np.float64], is_positive: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """AUROC for each of R sets of weights, (R,): a case of weight 2 counts as if it were there twice.

    Args:
        scores: (N,).
        is_positive: (N,).
        weights: (R, N), not negative.
    """
    positive, negative = scores[is_positive], scores[~is_positive]
    wins = (positive[:, np.newaxis] > negative).astype(np.float64) + 0.5 * (positive[:, np.newaxis] == negative)
    of_positive, of_negative = weights[:, is_positive], weights[:, ~is_positive]
    pairs = of_positive.sum(axis=1) * of_negative.sum(axis=1)
    won = ((of_positive @ wins) * of_negative).sum(axis=1)
    found = np.full(len(weights), np.nan)
    return np.asarray(np.divide(won, pairs, out=found, where=pairs > 0), np.float64)


def compute_mean_aurocs(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean over classes of the AUROC of each class against all others, (R,).

    With two classes this is the AUROC of either. Classes without a case are left out (Fawcett 2006, 9).

    Args:
        probabilities: (N, K).
        labels: (N,) index of the class.
        weights: (R, N), not negative.
    """
    present = [index for index in range(probabilities.shape[1]) if np.any(labels == index)]
    found = [compute_weighted_aurocs(probabilities[:, index], labels == index, weights) for index in present]
    return np.asarray(np.mean(found, axis=0), np.float64)


def draw_subject_weights(
    subjects: Sequence[str], strata: Sequence[str], *, seed: int, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """How often each case counts in each bootstrap sample, (R, N).

    Subjects are drawn with replacement and bring all their cases. They are drawn within strata, so that no sample
    lacks a class.

    Args:
        subjects: (N,) subject of each case.
        strata: (N,) class of each case's subject.
        seed: of the draws.
        resamples: R.
    """
    generator = np.random.default_rng(seed)
    names, of_case = np.unique(np.asarray(subjects), return_inverse=True)
    stratum_of = dict(zip(subjects, strata, strict=True))
    drawn = np.zeros((resamples, len(names)))
    for stratum in sorted(set(strata)):
        members = np.flatnonzero([stratum_of[name] == stratum for name in names])
        drawn[:, members] = generator.multinomial(len(members), np.full(len(members), 1 / len(members)), resamples)
    return np.asarray(drawn[:, of_case], np.float64)


def bootstrap_auroc(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    weights: NDArray[np.float64],
    *,
    confidence: float = 0.95,
) -> Interval:
    """Mean AUROC with its percentile interval, which leaves out the luck of training.

    Args:
        probabilities: (N, K).
        labels: (N,) index of the class.
        weights: (R, N), see `draw_subject_weights`.
        confidence: two-sided coverage aimed at, in (0, 1).

    Returns:
        The bounds are NaN where every class has a single subject, so that all samples are alike.
    """
    sets = [np.ones((1, len(labels)))]
    sets += [weights[start : start + _BATCH] for start in range(0, len(weights), _BATCH)]
    found = np.concatenate([compute_mean_aurocs(probabilities, labels, each) for each in sets])
    if np.all(weights == weights[:1]):
        return Interval(estimate=float(found[0]), low=float("nan"), high=float("nan"), confidence=confidence)
    low, high = np.nanquantile(found[1:], [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate=float(found[0]), low=float(low), high=float(high), confidence=confidence)
