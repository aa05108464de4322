"""What the probes of one variant say of every package of their held-out cases, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from overread.errors import InputError
from overread.questions.acquisition_bias.probe_folds import LabelledCase, find_main_labels
from overread.questions.acquisition_bias.results import PROBABILITY_PREFIX, SCORE_COLUMNS


@dataclass(frozen=True)
class PackageScores:
    """Probabilities of one variant.

    Attributes:
        case_ids: (N,) the held-out cases, sorted.
        subjects: (N,) their subjects.
        folds: (N,) the fold that holds each of them out.
        labels: (N,) index of the class to be named.
        probabilities: (N, packages, K).
    """

    case_ids: tuple[str, ...]
    subjects: tuple[str, ...]
    folds: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def is_right(self) -> NDArray[np.float64]:
        """Whether the most probable class of a package is right, (N, packages), 0 or 1."""
        return np.asarray(self.probabilities.argmax(axis=2) == self.labels[:, np.newaxis], np.float64)

    def find_main_labels(self, classes: Sequence[str]) -> dict[str, str]:
        """The main class of each subject."""
        named = zip(self.case_ids, self.subjects, self.labels, strict=True)
        return find_main_labels([LabelledCase(case_id, subject, classes[label]) for case_id, subject, label in named])


def index_scores(rows: pd.DataFrame, classes: Sequence[str]) -> PackageScores:
    """Turn the rows of one variant, with the true classes or one shuffle of them, into arrays.

    Raises:
        InputError: a case lacks a package, or has one twice.
    """
    ordered = rows.sort_values(["case_id", "package"])
    first = ordered.drop_duplicates("case_id")
    package_count = int(ordered["package"].nunique())
    if len(ordered) != len(first) * package_count or ordered.duplicated(["case_id", "package"]).any():
        found = f"{len(ordered)} rows of {len(first)} cases and {package_count} packages"
        raise InputError("every held-out case must have each package once", found=found, where=SCORE_COLUMNS[0])
    place = {name: index for index, name in enumerate(classes)}
    columns = [f"{PROBABILITY_PREFIX}{name}" for name in classes]
    return PackageScores(
        case_ids=tuple(first["case_id"]),
        subjects=tuple(first["subject_id"]),
        folds=first["fold"].to_numpy(np.int64),
        labels=np.array([place[label] for label in first["label"]], np.int64),
        probabilities=ordered[columns].to_numpy(np.float64).reshape(len(first), package_count, len(classes)),
    )
