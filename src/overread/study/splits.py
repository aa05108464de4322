"""Splitting cases into folds, by subject."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.errors import InputError
from overread.study.study import Study


@dataclass(frozen=True)
class Fold:
    """One round of a cross-validation; no subject is in two of its parts."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def split_folds(study: Study, *, folds: int, validation_fraction: float, seed: int) -> tuple[Fold, ...]:
    """Split a study's cases for a k-fold cross-validation by subject.

    Each case is in the test part of exactly one fold. Where `cases.csv` has a `split` column, that one split is used
    and `folds` must be 1.

    Args:
        study: the study.
        folds: number of folds, 1 only with a `split` column.
        validation_fraction: share of the subjects that are not in the test part which become validation subjects,
            at least one.
        seed: shuffles the subjects.

    Raises:
        InputError: fewer subjects than folds, or folds and split column disagree.
    """
    fixed = any(case.split for case in study.cases)
    if fixed and folds == 1:
        return (_fixed_fold(study),)
    subjects = list(dict.fromkeys(case.subject_id for case in study.cases))
    if folds < 2 or folds > len(subjects):
        raise InputError(
            f"folds must lie between 2 and the number of subjects, {len(subjects)}",
            found=folds,
            hint="one fold needs a split column in cases.csv; each fold needs a subject to hold out",
        )
    order = np.random.default_rng(seed).permutation(len(subjects))
    chunks = [[subjects[index] for index in chunk] for chunk in np.array_split(order, folds)]
    return tuple(_build_fold(study, chunks, held_out, validation_fraction) for held_out in range(folds))


def split_validation(
    study: Study, case_ids: Sequence[str], *, fraction: float, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split cases into training and validation cases by subject.

    At least one subject is for validation, and at least one for training where there are two.

    Args:
        study: the study.
        case_ids: the cases to split.
        fraction: share of the subjects that are for validation.
        seed: shuffles the subjects.
    """
    subjects = list(dict.fromkeys(study.subject_of[case_id] for case_id in case_ids))
    order = [subjects[index] for index in np.random.default_rng(seed).permutation(len(subjects))]
    count = _count_validation(len(order), fraction)
    validation = set(order[:count])
    return (
        tuple(case_id for case_id in case_ids if study.subject_of[case_id] not in validation),
        tuple(case_id for case_id in case_ids if study.subject_of[case_id] in validation),
    )


def _count_validation(subjects: int, fraction: float) -> int:
    return min(subjects - 1, max(1, round(subjects * fraction)))


def _build_fold(study: Study, chunks: Sequence[Sequence[str]], held_out: int, validation_fraction: float) -> Fold:
    rest = [subject for index in range(1, len(chunks)) for subject in chunks[(held_out + index) % len(chunks)]]
    count = _count_validation(len(rest), validation_fraction)
    validation, train = rest[:count], rest[count:]
    return Fold(*(_select_cases(study, subjects) for subjects in (train, validation, chunks[held_out])))


def _select_cases(study: Study, subjects: Sequence[str]) -> tuple[str, ...]:
    return tuple(case.case_id for case in study.cases if case.subject_id in subjects)


def _fixed_fold(study: Study) -> Fold:
    parts = {name: tuple(c.case_id for c in study.cases if c.split == name) for name in ("train", "validation", "test")}
    for name, cases in parts.items():
        if not cases:
            raise InputError(f"the split column of cases.csv must name at least one {name} case", found="none")
    return Fold(**parts)
