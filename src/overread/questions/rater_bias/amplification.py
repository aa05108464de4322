"""Is a difference in load between two raters larger or smaller between their networks?

Raters must differ clearly for the question to make sense. Then the networks' signed difference is set against theirs
case by case: noise makes absolute differences larger wherever it is, but leaves signed ones where they are. In how many
cases one of two is the larger is never judged: networks that differ by their seed alone can do so in most of them.
"""

import math

import numpy as np
import pandas as pd
from scipy import stats

from overread.evaluation.estimate import estimate_mean
from overread.evaluation.results import Interval
from overread.evaluation.verdict import Verdict, judge
from overread.questions.rater_bias.repeat_scores import average_by_subject, spread, tabulate_loads
from overread.questions.rater_bias.results import Effect, LoadDifferences

_EFFECTS: dict[Verdict, Effect] = {
    "learnt too little": "learnt too little",
    "cannot tell": "cannot tell",
    "no difference that matters": "passed on about as it was",
    "yes": "amplified",
    "the wrong way round": "damped",
}


def compare_relatively(first: "pd.Series[float]", second: "pd.Series[float]") -> "pd.Series[float]":
    """Signed relative differences of loads, 2 (second - first) / (second + first); 0 where both are 0."""
    total = first + second
    return (2 * (second - first) / total.where(total > 0)).fillna(0.0)


def measure_load_differences(scores: pd.DataFrame, first: str, second: str) -> LoadDifferences | None:
    """Set the networks' difference in load against the raters'.

    Args:
        scores: REPEAT_COLUMNS.
        first: name of a source.
        second: name of another source.

    Returns:
        None where no case has the loads of both sources and networks.
    """
    loads = tabulate_loads(scores, first, second)
    raters = compare_relatively(loads["first"], loads["second"])
    networks = compare_relatively(loads["first_network"], loads["second_network"])
    by_subject = average_by_subject(raters, scores)
    direction = -1.0 if by_subject.mean() < 0 else 1.0
    of_networks, of_changes = spread(networks, scores), spread(direction * (networks - raters), scores)
    if of_networks is None or of_changes is None:
        return None
    return LoadDifferences(
        raters=_estimate_over_subjects(by_subject),
        networks=estimate_mean(of_networks),
        change=estimate_mean(of_changes),
    )


def judge_effect(
    found: LoadDifferences,
    *,
    matters: float,
    has_learnt: bool = True,
    change_p: float | None = None,
    networks_p: float | None = None,
) -> Effect:
    """Name what became of the raters' difference.

    Args:
        found: the measurements.
        matters: smallest relative change that matters.
        has_learnt: whether both networks learnt enough.
        change_p: p of the change, corrected for the number of pairs; None for a single pair.
        networks_p: that of the networks' difference.
    """
    if not has_learnt:
        return "learnt too little"
    if not found.raters.excludes_zero:
        return "raters do not differ clearly"
    opposite = "the wrong way round" if found.raters.estimate > 0 else "yes"
    if judge(found.networks, matters=matters, corrected_p=networks_p) == opposite:
        return "reversed"
    return _EFFECTS[judge(found.change, matters=matters, corrected_p=change_p)]


def _estimate_over_subjects(values: "pd.Series[float]", *, confidence: float = 0.95) -> Interval:
    """Mean with Student's t over subjects: masks of raters have no luck of training."""
    mean, count = float(values.mean()), len(values)
    if count < 2:
        return Interval(estimate=mean, low=math.nan, high=math.nan, confidence=confidence)
    half = float(stats.t.ppf((1 + confidence) / 2, count - 1) * values.std(ddof=1) / np.sqrt(count))
    return Interval(estimate=mean, low=mean - half, high=mean + half, confidence=confidence)
