"""Measures of disagreement compared between two classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from overread.evaluation.significance import adjust_holm
from overread.questions.crowd_disagreement.feature_sets import Array
from overread.questions.crowd_disagreement.outcome_prediction import compute_auc
from overread.questions.crowd_disagreement.results import SpreadContrast


def contrast_spreads(names: Sequence[str], spreads: Array, outcome: NDArray[np.bool_]) -> tuple[SpreadContrast, ...]:
    """Compare each measure between the classes; the tests take cases for independent.

    Args:
        names: (S,) of the measures.
        spreads: (N, S), standardised over the cases.
        outcome: (N,), both classes in it.
    """
    p_values = [
        float(stats.mannwhitneyu(column[outcome], column[~outcome], method="asymptotic").pvalue) for column in spreads.T
    ]
    corrected = [1.0 if p is None else p for p in adjust_holm(p_values)]
    return tuple(
        SpreadContrast(
            name=name,
            positive_median=float(np.median(column[outcome])),
            negative_median=float(np.median(column[~outcome])),
            positive_higher=compute_auc(column, outcome),
            p=p,
            p_holm=p_holm,
        )
        for name, column, p, p_holm in zip(names, spreads.T, p_values, corrected, strict=True)
    )
