"""How often a source is told by its masks, against chance.

A classifier is trained once per fold, so the folds alone show how its trainings differ: a hit rate is the mean of those
of the folds, and its interval is Student's t over the folds, wider for the training cases that they share (see
`overread.evaluation.estimate`).
"""

import math

import numpy as np
import pandas as pd

from overread.evaluation.estimate import SubjectScores, compute_t_p, estimate_mean
from overread.evaluation.results import Estimate
from overread.questions.rater_bias.classification_results import ORIGINS, HitRate, Origin
from overread.questions.rater_bias.source_hits import compute_case_rates

_DECIMALS = 12
"""Differences of rates that equal arithmetic in another order can make lie below these."""

_BAND = 2


def summarise_hits(hits: pd.DataFrame, *, chance: float) -> tuple[HitRate, ...]:
    """Summarise the hits of each origin, with the real and with the shuffled classifier.

    Args:
        hits: HIT_COLUMNS.
        chance: hit rate of guessing, in (0, 1).
    """
    found = []
    for origin in ORIGINS:
        for shuffled in (False, True):
            rows = _select(hits, origin, shuffled=shuffled)
            if len(rows):
                found.append(_summarise(rows, origin, shuffled, chance))
    return tuple(found)


def compute_growth(hits: pd.DataFrame) -> Estimate | None:
    """Hit rate of predictions minus that of annotations, over the cases that have both.

    Above 0, the sources are told apart more surely by what their networks draw than by what they draw themselves: what
    sets them apart has become more consistent (Schwartzman et al. 2019, section 3.4). Both are asked of the same
    classifiers.
    """
    rates = compute_case_rates(hits[~hits["shuffled"].astype(bool)]).set_index(["case_id", "subject_id", "fold"])
    by_origin = rates.set_index("origin", append=True)["hit_rate"].unstack("origin").reindex(columns=list(ORIGINS))
    both = by_origin.dropna()
    if both.empty:
        return None
    differences = (both["prediction"] - both["annotation"]).rename("hit_rate").reset_index()
    return estimate_mean(_average_subjects(differences))


def compute_chance_band(hits: pd.DataFrame, *, chance: float) -> tuple[float, float] | None:
    """Lowest and highest hit rate of annotations that chance alone gives, within two standard deviations.

    How far the hit rates of single subjects lie from chance is taken from the shuffled baseline; the mean over n of
    them, in k folds whose classifiers share training cases, varies by that over √n, times √(1 + k / (k - 1)).

    Returns:
        None without a hit of the baseline.
    """
    rows = _select(hits, "annotation", shuffled=True)
    if rows.empty:
        return None
    scores = _average_subjects(compute_case_rates(rows))
    folds = len(np.unique(scores.folds))
    overlap = 1 + folds / (folds - 1) if folds > 1 else 1.0
    width = _BAND * math.sqrt(float(((scores.values - chance) ** 2).mean()) * overlap / len(scores.values))
    return max(chance - width, 0.0), min(chance + width, 1.0)


def _select(hits: pd.DataFrame, origin: Origin, *, shuffled: bool) -> pd.DataFrame:
    return hits[(hits["origin"] == origin) & (hits["shuffled"] == shuffled)]


def _average_subjects(rates: pd.DataFrame) -> SubjectScores:
    """Scores of subjects from a column `hit_rate` of cases, beside subject_id and fold."""
    values = rates["hit_rate"].to_numpy(np.float64)[:, None]
    return SubjectScores.of_cases(values, rates["subject_id"].tolist(), rates["fold"].tolist())


def _summarise(rows: pd.DataFrame, origin: Origin, shuffled: bool, chance: float) -> HitRate:
    cases = compute_case_rates(rows)
    rates = cases["hit_rate"].to_numpy(np.float64)
    by_source = (rows["hit_count"] / rows["patch_count"]).groupby(rows["source"], sort=False).mean()
    estimate = estimate_mean(_average_subjects(cases))
    return HitRate(
        origin=origin,
        shuffled=shuffled,
        interval=estimate.clip(0, 1),
        p_above=_compute_p_above(estimate, chance),
        std=float(rates.std(ddof=1)) if rates.size > 1 else None,
        case_count=rates.size,
        patch_count=int(rows["patch_count"].sum()),
        by_source={str(source): float(rate) for source, rate in by_source.items()},
    )


def _compute_p_above(estimate: Estimate, chance: float) -> float | None:
    """One-sided p of a true hit rate at or below chance."""
    if not estimate.is_valid:
        return None
    excess = round(estimate.estimate - chance, _DECIMALS)
    error = round(estimate.standard_error, _DECIMALS)
    p = compute_t_p(excess, error, estimate.degrees_of_freedom)
    return p / 2 if excess > 0 else 1 - p / 2
