"""Crowd ratings of each case, and the relapses that they hint at."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ANNOTATORS = tuple(f"annotator{index}" for index in range(1, 7))


@dataclass(frozen=True)
class Feature:
    """A visual feature that annotators score from 0 to `highest`.

    Attributes:
        name: as it stands in `ratings.csv`.
        highest: largest score.
        shift: difference of the mean score between cases with and without a relapse, in std of the true severity.
    """

    name: str
    highest: int
    shift: float


FEATURES = (
    Feature("lesion_burden", 9, 1.9),
    Feature("border", 6, 1.25),
    Feature("brightness", 6, 1.0),
    Feature("atrophy", 4, 0.6),
)
_NOISE = 0.7
_DISPUTE = 0.4


@dataclass(frozen=True)
class Rating:
    """One score of one annotator for one feature of a case."""

    case_id: str
    annotator: str
    feature: str
    value: int


def sample_relapses(
    severity: NDArray[np.float64], groups: Sequence[str], share: float, generator: np.random.Generator
) -> NDArray[np.bool_]:
    """Draw which cases relapse: the worse the likelier, the same share within each group.

    Args:
        severity: (cases,) any scale.
        groups: a name for each case; the outcome is kept independent of it.
        share: share of cases with a relapse.
        generator: source of randomness.
    """
    ranks = severity.argsort().argsort() / max(len(severity) - 1, 1)
    risk = ranks + generator.normal(0, 0.25, size=len(severity))
    relapses = np.zeros(len(severity), dtype=bool)
    for group in sorted(set(groups)):
        members = np.array([index for index, name in enumerate(groups) if name == group])
        count = int(np.clip(round(share * len(members)), 1, max(len(members) - 1, 1)))
        relapses[members[np.argsort(-risk[members])[:count]]] = True
    return relapses


def sample_ratings(
    case_ids: Sequence[str], relapses: NDArray[np.bool_], generator: np.random.Generator
) -> tuple[Rating, ...]:
    """Draw integer scores: annotators differ in level, spread and care, and disagree more on cases with a relapse."""
    levels = generator.normal(0, 0.35, size=len(ANNOTATORS))
    spreads = generator.uniform(0.8, 1.2, size=len(ANNOTATORS))
    care = generator.uniform(0.75, 1.35, size=len(ANNOTATORS))
    ratings = []
    for case_id, relapse in zip(case_ids, relapses, strict=True):
        dispute = float(np.exp(generator.normal(_DISPUTE if relapse else 0.0, 0.15)))
        for feature in FEATURES:
            severity = generator.normal(0, 0.8) + feature.shift * (float(relapse) - 0.5)
            noise = generator.normal(0, _NOISE * dispute, size=len(ANNOTATORS)) * care
            scores = (severity * spreads + levels + noise) * feature.highest / 5 + feature.highest / 2
            values = np.clip(np.rint(scores), 0, feature.highest).astype(int)
            ratings += [Rating(case_id, who, feature.name, int(v)) for who, v in zip(ANNOTATORS, values, strict=True)]
    return tuple(ratings)


def write_ratings(path: Path, ratings: Sequence[Rating]) -> None:
    """Write `ratings.csv`, one row per score."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case_id", "annotator", "feature", "value"])
        writer.writerows([r.case_id, r.annotator, r.feature, r.value] for r in ratings)
