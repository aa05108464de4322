"""What is measured of each case, and its outcome."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.questions.crowd_disagreement.feature_sets import Array, FeatureSet
from overread.study.outcomes import Outcome

FeatureKind: TypeAlias = Literal["ratings", "sources"]
_FEWEST_CASES = 4


@dataclass(frozen=True)
class CaseFeatures:
    """What is measured of N cases.

    Attributes:
        kind: ratings of annotators, or disagreement of the sources of a study.
        case_ids: (N,).
        subjects: (N,) subject of each case.
        columns: (C,) names.
        values: (N, C), as measured; not finite where something is missing.
        sets: what predicts the outcome.
        spreads: (S,) names of the measures of disagreement that are shown by class.
        compute_spreads: makes them, (N, S) from finite values (N, C).
    """

    kind: FeatureKind
    case_ids: tuple[str, ...]
    subjects: tuple[str, ...]
    columns: tuple[str, ...]
    values: Array
    sets: tuple[FeatureSet, ...]
    spreads: tuple[str, ...]
    compute_spreads: Callable[[Array], Array]

    def find_set(self, key: str) -> FeatureSet:
        """The set of that key."""
        return next(one for one in self.sets if one.key == key)


@dataclass(frozen=True)
class LabelledCases:
    """Complete cases with a known outcome.

    Attributes:
        features: of these cases.
        outcome: (N,) True in the positive class.
        incomplete: cases left out because a value is missing or not finite.
        without_outcome: cases left out because their outcome is not known.
        unmeasured: cases with an outcome and without any value.
    """

    features: CaseFeatures
    outcome: NDArray[np.bool_]
    incomplete: tuple[str, ...]
    without_outcome: tuple[str, ...]
    unmeasured: tuple[str, ...]


def label_cases(features: CaseFeatures, outcome: Outcome) -> LabelledCases:
    """Join measurements and outcome, leaving out cases that lack either; subjects are those of the outcome, if named.

    Raises:
        InputError: no case has both, one class alone is left, a column is constant, or two annotators rated alike.
    """
    known = np.array([case_id in outcome.by_case for case_id in features.case_ids], np.bool_)
    complete = np.isfinite(features.values).all(axis=1)
    names = np.array(features.case_ids, dtype=object)
    if not known.any():
        raise InputError(
            "the cases of both tables must have names in common",
            found=f"{features.case_ids[0]!r} and {next(iter(outcome.by_case))!r}",
            hint="the column case_id, or else the first one, names the cases",
        )
    kept = _keep(features, known & complete, outcome)
    labelled = LabelledCases(
        features=kept,
        outcome=np.array([outcome.by_case[case_id] for case_id in kept.case_ids], np.bool_),
        incomplete=tuple(names[known & ~complete]),
        without_outcome=tuple(names[~known]),
        unmeasured=tuple(case_id for case_id in outcome.by_case if case_id not in set(features.case_ids)),
    )
    _check_classes(labelled, outcome)
    _check_columns(kept)
    return labelled


def check_folds(outcome: NDArray[np.bool_], folds: int) -> None:
    """Refuse more folds than there are cases of the rarer class.

    Raises:
        InputError: some fold would hold one class alone, which has no AUC.
    """
    rarer = int(min(outcome.sum(), (~outcome).sum()))
    if rarer < folds:
        raise InputError(
            "each class must have at least as many complete cases as there are folds",
            found=f"{rarer} cases of the rarer class, {len(outcome)} in all, for {folds} folds",
            hint="choose fewer folds",
        )


def _keep(features: CaseFeatures, kept: NDArray[np.bool_], outcome: Outcome) -> CaseFeatures:
    places = np.flatnonzero(kept)
    subjects = [outcome.subject_of.get(case_id, features.subjects[i]) for i, case_id in enumerate(features.case_ids)]
    return replace(
        features,
        case_ids=tuple(features.case_ids[place] for place in places),
        subjects=tuple(subjects[place] for place in places),
        values=features.values[kept],
    )


def _check_classes(labelled: LabelledCases, outcome: Outcome) -> None:
    count, positive = len(labelled.outcome), int(labelled.outcome.sum())
    if count < _FEWEST_CASES or positive in (0, count):
        raise InputError(
            f"there must be complete cases of both classes, {outcome.negative!r} and {outcome.positive!r}",
            found=f"{count - positive} and {positive}",
            where=f"outcome {outcome.column}",
            hint=f"{len(labelled.incomplete)} cases were left out because a value is missing",
        )


def _check_columns(features: CaseFeatures) -> None:
    spans = np.ptp(features.values, axis=0)
    constant = [name for name, span in zip(features.columns, spans, strict=True) if span == 0]
    if constant:
        raise InputError(
            "each column must vary over the complete cases",
            found=f"one value throughout in {', '.join(constant[:5])}",
            hint="leave it out: it tells nothing, and a z-score divides by its spread",
        )


def check_annotators_differ(labelled: LabelledCases, annotators: tuple[str, ...]) -> None:
    """Refuse two annotators whose ratings are the same throughout.

    Args:
        labelled: complete cases whose columns are those of the annotators, one after the other.
        annotators: (A,) names.

    Raises:
        InputError: one annotator is a copy of another.
    """
    values = labelled.features.values
    by_annotator = values.reshape(len(values), len(annotators), -1)
    for first, second in combinations(range(len(annotators)), 2):
        if np.array_equal(by_annotator[:, first], by_annotator[:, second]):
            raise InputError(
                "two annotators must not have the same ratings throughout",
                found=f"{annotators[first]!r} and {annotators[second]!r}",
                hint="one is a copy of the other and would count twice; leave it out",
            )
