"""ROC curves and the area below them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.records import Result


class RocCurve(Result):
    """Receiver operating characteristic.

    Of two classes, the first is to be found. Of more, each is found against the rest, and the curves are averaged at
    equal thresholds (Fawcett 2006, section 8.2).

    Attributes:
        fpr: false positive rates, ascending from 0 to 1.
        tpr: true positive rates, ascending from 0 to 1.
        thresholds: probabilities, descending; what reaches one is positive. All are finite.
        auc: area under the curve through all thresholds; of more than two classes, the mean over the classes.
    """

    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    thresholds: tuple[float, ...]
    auc: float


_POINTS = 100


def compute_roc(probabilities: NDArray[np.float64], classes: Sequence[int]) -> RocCurve | None:
    """Compute the curve of the first of two classes, or the average over more of each against the rest.

    Args:
        probabilities: (N, K) of each class.
        classes: (N,) index of the true class.

    Returns:
        At most 102 points, whose thresholds are quantiles of the probabilities; the area is taken from all of them.
        Classes without an example, or with all of them, are left out; None where that leaves none.
    """
    truth = np.asarray(classes)
    wanted = [0] if probabilities.shape[1] == 2 else list(range(probabilities.shape[1]))
    wanted = [index for index in wanted if 0 < np.count_nonzero(truth == index) < truth.size]
    if not wanted:
        return None
    thresholds = _choose_thresholds(probabilities[:, wanted])
    fpr, tpr = np.mean(
        [_compute_rates(probabilities[:, index], truth == index, thresholds) for index in wanted], axis=0
    )
    return RocCurve(
        fpr=tuple(map(float, fpr)),
        tpr=tuple(map(float, tpr)),
        thresholds=tuple(map(float, thresholds)),
        auc=float(np.mean([compute_auc(probabilities[:, index], truth == index) for index in wanted])),
    )


def compute_auc(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> float:
    """Share of pairs of a positive and a negative in which the positive scores higher, ties counting half.

    It is the area under the curve through all thresholds (Hanley and McNeil 1982).

    Args:
        scores: (N,).
        positive: (N,), at least one True and one False.
    """
    count = int(np.count_nonzero(positive))
    _, places, ties = np.unique(scores, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(ties) - (ties - 1) / 2
    rank_sum = float(mean_ranks[places[positive]].sum())
    return (rank_sum - count * (count + 1) / 2) / (count * (scores.size - count))


def _choose_thresholds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """One just above every probability, then quantiles of the scores, descending; the last one is their minimum."""
    quantiles = np.unique(np.quantile(scores, np.linspace(0, 1, _POINTS + 1), method="lower"))[::-1]
    return np.concatenate([[np.nextafter(1.0, 2.0)], quantiles])


def _compute_rates(
    scores: NDArray[np.float64], positive: NDArray[np.bool_], thresholds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """False and true positive rates at each threshold, (2, T)."""
    groups = (np.sort(scores[~positive]), np.sort(scores[positive]))
    return np.stack([1 - np.searchsorted(group, thresholds, side="left") / group.size for group in groups])
