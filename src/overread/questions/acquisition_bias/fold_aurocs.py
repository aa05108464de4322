"""How surely a class is told within each held-out fold, and which regions tell it.

A case's score is its mean probability over packages, and only cases of one fold are compared with each other, for each
fold has a probe of its own. The folds' AUROCs are correlated, for their probes share training subjects: neither a
bootstrap of the scores of all folds together nor a permutation of held-out labels holds its error rate. Two tests do:

- the corrected resampled t-test of the mean over folds, one-sided, corrected over regions by Holm's method and judged
  at 2.5 %. In simulations of four regions that tell nothing, a region is told falsely in at most 4.8 % of studies of 16
  subjects or more; with fewer nothing is told;
- classes shuffled among subjects, the same for all regions, with probes trained anew on each shuffle: p of a region is
  the share of shuffles in which the best region reaches it, the true classes counted as one of them, judged at 5 %
  (Westfall and Young 1993, single step). It takes many trainings and finds more.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.fold_means import FoldMean, compare_folds_with_chance
from overread.evaluation.results import Interval
from overread.evaluation.significance import adjust_holm
from overread.questions.acquisition_bias.auroc import compute_mean_aurocs
from overread.questions.acquisition_bias.package_scores import PackageScores
from overread.questions.acquisition_bias.results import CHANCE, AurocFall, FallVerdict, RegionTest

HOLM_LEVEL = 0.025
"""A region is told where its p, corrected over regions, reaches this."""
SHUFFLE_LEVEL = 0.05
"""The same for p from shuffles, which stands for all regions together."""
FEWEST_SUBJECTS = 16
"""With fewer, the t-test errs in more studies than it says."""
_FALL_LEVEL = 0.05
_ROUNDING = 1e-12


def compute_fold_aurocs(scores: PackageScores) -> NDArray[np.float64]:
    """AUROC within each fold, of more than two classes the mean of each against all others; (k,) in order of the folds.

    A class that a fold lacks is left out of its mean; NaN where a fold has a single class.
    """
    means = scores.probabilities.mean(axis=1)
    found = []
    for fold in np.unique(scores.folds):
        chosen = scores.folds == fold
        found.append(compute_mean_aurocs(means[chosen], scores.labels[chosen], np.ones((1, int(chosen.sum()))))[0])
    return np.array(found, np.float64)


def count_classes_of_folds(scores: PackageScores, classes: Sequence[str]) -> NDArray[np.int64]:
    """Subjects of each main class in each fold, (k, K)."""
    main = scores.find_main_labels(classes)
    folds = np.unique(scores.folds)
    fold_of = dict(zip(scores.subjects, scores.folds, strict=True))
    counts = np.zeros((len(folds), len(classes)), np.int64)
    for subject, label in main.items():
        counts[np.searchsorted(folds, fold_of[subject]), classes.index(label)] += 1
    return counts


def compute_chance_std(counts: NDArray[np.int64]) -> float:
    """Standard deviation of the mean AUROC within folds where nothing tells the class.

    By chance the AUROC of n subjects of a class against m others has variance (n + m + 1) / (12 n m), that of the
    rank sum (Mann and Whitney 1947). The mean of k independent folds would have that over k; the folds' probes share
    training subjects, and 1/k + 1/(k - 1) stands for 1/k, as in the test. Over all subjects as one group the standard
    deviation would be .13, .12, .09, .06 for 20, 24, 40, 80 subjects of two equal classes. Simulated cross-validations
    scatter more, by .19, .17, .13, .09; this gives .22, .19, .15, .10 for about five folds, a little too much.

    Args:
        counts: (k, K) subjects of each class in each fold.

    Returns:
        NaN for fewer than two folds that hold two classes.
    """
    variances = _list_variances(counts)
    count = len(variances)
    return math.sqrt(float(variances.mean()) * (1 / count + 1 / (count - 1))) if count > 1 else math.nan


def compute_rank_sum_p(mean: float, counts: NDArray[np.int64]) -> float:
    """One-sided p of a mean AUROC within folds if the folds were independent, in normal approximation.

    They are not, so that the true p is larger. It keeps folds that are alike by luck, where subjects are few and an
    AUROC has few possible values, from being taken for a small spread.

    Args:
        mean: over the folds that hold two classes.
        counts: (k, K) subjects of each class in each fold.
    """
    variances = _list_variances(counts)
    deviation = (mean - CHANCE) / math.sqrt(float(variances.mean()) / len(variances))
    return 0.5 * math.erfc(deviation / math.sqrt(2))


def _list_variances(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Variance of the AUROC by chance in each fold that holds two classes.

    For more than two classes the standard deviations of each against all others are averaged, which is the most that
    the mean of their AUROCs can have.
    """
    size = counts.sum(axis=1, keepdims=True)
    pairs = counts * (size - counts)
    usable = (pairs > 0).any(axis=1)
    pairs, variance = pairs[usable], np.broadcast_to((size[usable] + 1) / 12, pairs[usable].shape)
    stds = np.sqrt(np.divide(variance, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0))
    return np.asarray(np.nanmean(stds, axis=1) ** 2, np.float64)


def judge_regions(
    by_fold: Mapping[str, NDArray[np.float64]],
    counts: NDArray[np.int64],
    *,
    shuffled: Mapping[str, NDArray[np.float64]] | None = None,
) -> dict[str, RegionTest]:
    """Say which regions tell the class.

    Args:
        by_fold: (k,) AUROC of each region within each fold, NaN where a fold has a single class.
        counts: (k, K) subjects of each class in each fold.
        shuffled: (S,) mean AUROC of each region on shuffled classes, the same shuffles for all; None without them.
    """
    means = {region: _compare(values, CHANCE) for region, values in by_fold.items()}
    p_values = [_compute_p(mean, counts) for mean in means.values()]
    p_holm = dict(zip(means, adjust_holm(p_values), strict=True))
    highest = None if shuffled is None else np.max([shuffled[region] for region in means], axis=0)
    return {
        region: _judge(mean, by_fold[region], p, p_holm[region], highest)
        for (region, mean), p in zip(means.items(), p_values, strict=True)
    }


def _judge(
    mean: FoldMean,
    values: NDArray[np.float64],
    p: float | None,
    p_holm: float | None,
    highest: NDArray[np.float64] | None,
) -> RegionTest:
    p_shuffled = None if highest is None else compute_shuffle_p(mean.interval.estimate, highest)
    level, deciding = (HOLM_LEVEL, p_holm) if p_shuffled is None else (SHUFFLE_LEVEL, p_shuffled)
    known = values[np.isfinite(values)]
    return RegionTest(
        auroc=_cut(mean.interval),
        by_fold=tuple(map(float, known)),
        left_out=len(values) - len(known),
        p=p,
        p_holm=p_holm,
        p_shuffled=p_shuffled,
        is_told=deciding is not None and deciding <= level,
    )


def _compute_p(mean: FoldMean, counts: NDArray[np.int64]) -> float | None:
    if mean.p_above is None or counts.sum() < FEWEST_SUBJECTS:
        return None
    return max(mean.p_above, compute_rank_sum_p(mean.interval.estimate, counts))


def compute_shuffle_p(observed: float, highest: NDArray[np.float64]) -> float:
    """Share of shuffles in which the best region reaches a value, the true classes counted as one that does.

    Args:
        observed: mean AUROC of a region with the true classes.
        highest: (S,) the highest of all regions in each shuffle.
    """
    return float((1 + np.count_nonzero(highest >= observed - _ROUNDING)) / (1 + len(highest)))


def compare_regions(
    by_fold: Mapping[str, NDArray[np.float64]], pairs: Sequence[tuple[str, str]], *, matters: float
) -> tuple[AurocFall, ...]:
    """Say how AUROC falls from one region to another, by the t-test of the differences within folds.

    Args:
        by_fold: (k,) AUROC of each region within each fold.
        pairs: what is seen and what is left; pairs of regions that are not there are left out.
        matters: smallest difference that matters.
    """
    known = [(seen, left) for seen, left in pairs if seen in by_fold and left in by_fold]
    found = [_compare(by_fold[left] - by_fold[seen], 0.0) for seen, left in known]
    two_sided = [_compute_two_sided_p(one) for one in found]
    return tuple(
        AurocFall(
            seen=seen,
            left=left,
            difference=one.interval,
            p=p,
            p_holm=p_holm,
            verdict=_judge_fall(one.interval, p_holm, matters),
        )
        for (seen, left), one, p, p_holm in zip(known, found, two_sided, adjust_holm(two_sided), strict=True)
    )


def _compare(values: NDArray[np.float64], chance: float) -> FoldMean:
    return compare_folds_with_chance(values[np.isfinite(values)].tolist(), chance=chance)


def _judge_fall(difference: Interval, p_holm: float | None, matters: float) -> FallVerdict:
    if -matters < difference.low and difference.high < matters:
        return "no difference that matters"
    if p_holm is None or p_holm > _FALL_LEVEL or not difference.excludes_zero:
        return "cannot tell"
    return "falls" if difference.high < 0 else "rises"


def _compute_two_sided_p(mean: FoldMean) -> float | None:
    if mean.p_above is None:
        return None
    return min(1.0, 2 * min(mean.p_above, 1 - mean.p_above)) if mean.interval.estimate else 1.0


def _cut(interval: Interval) -> Interval:
    """Cut an interval at 0 and 1; unknown bounds stay unknown."""
    low, high = float(np.maximum(interval.low, 0.0)), float(np.minimum(interval.high, 1.0))
    return Interval(estimate=interval.estimate, low=low, high=high, confidence=interval.confidence)
