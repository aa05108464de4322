"""Mean, spread and number of cases of a metric."""

import numpy as np
import pandas as pd

from overread.evaluation.results import MetricSummary


def select_pair(comparisons: pd.DataFrame, prediction: str, reference: str) -> pd.DataFrame:
    """Rows of one pair of label sets."""
    return comparisons[(comparisons["prediction"] == prediction) & (comparisons["reference"] == reference)]


def summarise_metric(comparisons: pd.DataFrame, prediction: str, reference: str, metric: str) -> MetricSummary:
    """Summarise one metric of one pair of label sets over its cases; infinite distances are left out and counted.

    Args:
        comparisons: COMPARISON_COLUMNS.
        prediction: name of a label set.
        reference: name of the label set it is compared with.
        metric: one of METRICS.
    """
    values = select_pair(comparisons, prediction, reference)[metric].to_numpy(np.float64)
    finite = values[np.isfinite(values)]
    return MetricSummary(
        prediction=prediction,
        reference=reference,
        metric=metric,
        mean=float(finite.mean()) if finite.size else None,
        std=float(finite.std(ddof=1)) if finite.size > 1 else None,
        median=float(np.median(finite)) if finite.size else None,
        case_count=finite.size,
        infinite_count=values.size - finite.size,
    )
