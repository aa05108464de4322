"""Ratings as features: all of them, by feature, by annotator, and their moments over annotators."""

from typing import Literal, TypeAlias, get_args

import numpy as np

from overread.questions.crowd_disagreement.case_features import CaseFeatures
from overread.questions.crowd_disagreement.feature_sets import (
    COMBINED,
    CONSENSUS,
    DISAGREEMENT,
    Array,
    Derivation,
    FeatureSet,
    select_columns,
    standardise,
)
from overread.study.ratings_table import RatingTable

Moment: TypeAlias = Literal["mean", "std", "skewness", "kurtosis"]
_MOMENTS: tuple[Moment, ...] = get_args(Moment)
_FEWEST = {"mean": 1, "std": 2, "skewness": 3, "kurtosis": 4}
_TITLES = {"std": "Standard deviation alone", "skewness": "Skewness alone", "kurtosis": "Kurtosis alone"}
_ROUNDING = 1e-12


def list_moments(annotator_count: int) -> tuple[Moment, ...]:
    """The moments that can differ between cases: those of two values have no skewness, those of three no kurtosis."""
    return tuple(moment for moment in _MOMENTS if annotator_count >= _FEWEST[moment])


def compute_moment(ratings: Array, moment: Moment) -> Array:
    """One moment over annotators (Cheplygina and Pluim 2018, 2.2).

    Args:
        ratings: (…, A, F).
        moment: mean; sample standard deviation (A - 1); skewness and excess kurtosis from population moments, both 0
            where all annotators agree, for then there is no shape.

    Returns:
        (…, F).
    """
    count = ratings.shape[-2]
    mean = ratings.sum(axis=-2) / count
    if moment == "mean":
        return np.asarray(mean, np.float64)
    centred = ratings - mean[..., None, :]
    squared = centred * centred
    variance = squared.sum(axis=-2) / count
    if moment == "std":
        return np.asarray(np.sqrt(variance * count / (count - 1)), np.float64)
    agree = variance <= (_ROUNDING * np.maximum(1.0, np.abs(mean))) ** 2
    scale = np.where(agree, 1.0, variance)
    # Products, for a power of an array costs many times as much.
    if moment == "skewness":
        return np.where(agree, 0.0, (squared * centred).sum(axis=-2) / count / (scale * np.sqrt(scale)))
    return np.where(agree, 0.0, (squared * squared).sum(axis=-2) / count / (scale * scale) - 3)


def collect_rating_features(ratings: RatingTable) -> CaseFeatures:
    """One column per annotator and feature, and the sets of both experiments of Cheplygina and Pluim (2018).

    Every case is a subject of its own until its outcome names one. Beyond the paper, `disagreement` holds all moments
    but the mean.
    """
    case_count, annotator_count, feature_count = ratings.values.shape
    shape = (annotator_count, feature_count)

    def compute_spreads(values: Array) -> Array:
        z_scored = standardise(values, np.ones(len(values)))
        return compute_moment(z_scored.reshape(len(values), *shape), "std")

    return CaseFeatures(
        kind="ratings",
        case_ids=ratings.case_ids,
        subjects=ratings.case_ids,
        columns=tuple(f"{feature} by {annotator}" for annotator in ratings.annotators for feature in ratings.features),
        values=ratings.values.reshape(case_count, -1),
        sets=_list_sets(ratings),
        spreads=ratings.features,
        compute_spreads=compute_spreads,
    )


def _list_sets(ratings: RatingTable) -> tuple[FeatureSet, ...]:
    annotators, features = ratings.annotators, ratings.features
    places = np.arange(len(annotators) * len(features)).reshape(len(annotators), len(features))
    by_feature = [
        FeatureSet(f"feature:{name}", name, "feature", len(annotators), select_columns(places[:, index].tolist()))
        for index, name in enumerate(features)
    ]
    by_annotator = [
        FeatureSet(
            f"annotator:{name}", f"Annotator {name}", "annotator", len(features), select_columns(places[index].tolist())
        )
        for index, name in enumerate(annotators)
    ]
    everything = FeatureSet("all", "All ratings", "all", places.size, select_columns(range(places.size)))
    return (everything, *by_feature, *by_annotator, *_list_moment_sets(len(annotators), len(features)))


def _list_moment_sets(annotator_count: int, feature_count: int) -> list[FeatureSet]:
    moments, shape = list_moments(annotator_count), (annotator_count, feature_count)
    measures, size = moments[1:], feature_count
    return [
        FeatureSet(COMBINED, "All moments", "combined", size * len(moments), derive_moments(moments, shape)),
        FeatureSet(CONSENSUS, "Mean alone (consensus)", "measure", size, derive_moments(("mean",), shape)),
        FeatureSet(
            DISAGREEMENT,
            "Disagreement alone (no mean)",
            "combined",
            size * len(measures),
            derive_moments(measures, shape),
            is_disagreement=True,
        ),
        *(
            FeatureSet(moment, _TITLES[moment], "measure", size, derive_moments((moment,), shape), is_disagreement=True)
            for moment in measures
        ),
    ]


def derive_moments(moments: tuple[Moment, ...], shape: tuple[int, int]) -> Derivation:
    """Moments over annotators of z-scored columns, side by side.

    Args:
        moments: which ones.
        shape: (A, F); the columns are A times F, those of an annotator side by side.
    """

    def derive(columns: Array) -> Array:
        ratings = columns.reshape(*columns.shape[:-1], *shape)
        return np.concatenate([compute_moment(ratings, moment) for moment in moments], axis=-1)

    return derive
