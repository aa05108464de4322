"""Bootstrap intervals over subjects."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.evaluation.results import Interval

_BATCH = 1000


def bootstrap_mean(
    values: Sequence[float],
    subjects: Sequence[str],
    *,
    seed: int,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> Interval:
    """Mean over cases with its percentile bootstrap interval over subjects (Efron 1979; Davison and Hinkley 1997, 3.8).

    Subjects, not cases, are drawn with replacement, because several cases of one subject are not independent: a drawn
    subject brings all its cases. Neither the order of the cases nor that of other calls changes the result.

    Args:
        values: (N,) one finite value per case, N ≥ 1.
        subjects: (N,) the subject of each case.
        seed: of the resampling.
        resamples: number of bootstrap samples.
        confidence: two-sided coverage aimed at, in (0, 1).

    Returns:
        The mean and its interval; with a single subject nothing is known about the spread, and the bounds are NaN.

    Raises:
        InputError: there is no value, or not one subject per value.
    """
    if not len(values) or len(values) != len(subjects):
        raise InputError(
            "a bootstrap needs at least one value and one subject per value",
            found=f"{len(values)} values and {len(subjects)} subjects",
        )
    sums, counts = _sum_by_subject(values, subjects)
    estimate = float(sums.sum() / counts.sum())
    if len(sums) == 1:
        return Interval(estimate=estimate, low=float("nan"), high=float("nan"), confidence=confidence)
    means = _resample_means(sums, counts, seed=seed, resamples=resamples)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate=estimate, low=float(low), high=float(high), confidence=confidence)


def bootstrap_ratio(
    numerators: Sequence[float],
    denominators: Sequence[float],
    subjects: Sequence[str],
    *,
    seed: int,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> Interval:
    """Sum of the numerators over that of the denominators, with its percentile bootstrap interval over subjects.

    See `bootstrap_mean`. A resample whose denominators sum to 0 says nothing and is left out.

    Args:
        numerators: (N,) one finite value per case, N ≥ 1.
        denominators: (N,) 0 or more, not all of them 0.
        subjects: (N,) the subject of each case.
        seed: of the resampling.
        resamples: number of bootstrap samples.
        confidence: two-sided coverage aimed at, in (0, 1).

    Raises:
        InputError: the lengths differ, there is no value, or all denominators are 0.
    """
    if not len(numerators) == len(denominators) == len(subjects) or not sum(denominators) > 0:
        raise InputError(
            "a ratio needs numerators, denominators that are not all 0, and subjects, as many of each",
            found=f"{len(numerators)}, {len(denominators)} and {len(subjects)}",
        )
    above, _ = _sum_by_subject(numerators, subjects)
    below, _ = _sum_by_subject(denominators, subjects)
    estimate = float(above.sum() / below.sum())
    if len(above) == 1:
        return Interval(estimate=estimate, low=float("nan"), high=float("nan"), confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = _resample_means(above, below, seed=seed, resamples=resamples)
    low, high = np.quantile(ratios[np.isfinite(ratios)], [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(estimate=estimate, low=float(low), high=float(high), confidence=confidence)


def _sum_by_subject(
    values: Sequence[float], subjects: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum of the values and number of cases of each subject, (K,) and (K,), subjects in alphabetical order."""
    order = np.lexsort((np.asarray(values), np.asarray(subjects)))
    _, index, counts = np.unique(np.asarray(subjects)[order], return_inverse=True, return_counts=True)
    sums = np.bincount(index, weights=np.asarray(values, np.float64)[order])
    return sums.astype(np.float64), counts.astype(np.float64)


def _resample_means(
    sums: NDArray[np.float64], counts: NDArray[np.float64], *, seed: int, resamples: int
) -> NDArray[np.float64]:
    """Sum over sum of the drawn subjects, (resamples,)."""
    generator = np.random.default_rng(seed)
    share = np.full(len(sums), 1 / len(sums))
    batches = []
    for start in range(0, resamples, _BATCH):
        draws = generator.multinomial(len(sums), share, size=min(_BATCH, resamples - start))
        batches.append((draws @ sums) / (draws @ counts))
    return np.concatenate(batches)
