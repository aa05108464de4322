"""Ratings and outcomes that are small enough to follow."""

import numpy as np

from overread.questions.crowd_disagreement.case_features import label_cases
from overread.questions.crowd_disagreement.evaluation import CrowdAnalysis, analyse_disagreement
from overread.questions.crowd_disagreement.rating_features import collect_rating_features
from overread.questions.crowd_disagreement.results import CrowdSettings, MeasuredTable
from overread.study.outcomes import Outcome, build_outcome
from overread.study.ratings_table import RatingTable

QUICK = CrowdSettings(folds=3, repeats=2, permutations=99, permutation_repeats=1)
FEATURES = ("colour", "border")


def build_table(values: np.ndarray) -> RatingTable:
    case_count, annotator_count, feature_count = values.shape
    return RatingTable(
        case_ids=tuple(f"case{index:02d}" for index in range(case_count)),
        annotators=tuple(f"r{index + 1}" for index in range(annotator_count)),
        features=FEATURES[:feature_count],
        values=values,
        layout="{feature}_{annotator}",
    )


def build_sick(outcome: np.ndarray) -> Outcome:
    values = {f"case{index:02d}": "yes" if positive else "no" for index, positive in enumerate(outcome)}
    return build_outcome(values, column="sick", positive="", where="outcomes.csv")


def sample_ratings(*, level: float, spread: float, seed: int = 0, case_count: int = 36) -> tuple[RatingTable, Outcome]:
    """Four annotators; in a third of the cases the mean is higher by `level` and the deviation `spread` times as large.

    Deviations of a case add up to 0, so that they tell nothing of its mean.
    """
    generator = np.random.default_rng(seed)
    outcome = np.arange(case_count) % 3 == 0
    consensus = generator.normal(0, 1, (case_count, 1, 2)) + level * outcome[:, None, None]
    deviations = generator.normal(0, 0.3, (case_count, 4, 2))
    deviations -= deviations.mean(axis=1, keepdims=True)
    return build_table(consensus + deviations * np.where(outcome, spread, 1.0)[:, None, None]), build_sick(outcome)


def analyse(ratings: RatingTable, outcome: Outcome, settings: CrowdSettings = QUICK, seed: int = 0) -> CrowdAnalysis:
    table = MeasuredTable(
        kind="ratings",
        name="moles",
        columns=ratings.values[0].size,
        annotators=ratings.annotators,
        features=ratings.features,
        layout=ratings.layout,
    )
    cases = label_cases(collect_rating_features(ratings), outcome)
    return analyse_disagreement(cases, outcome=outcome, table=table, settings=settings, seed=seed)
