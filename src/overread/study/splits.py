"""Splitting cases into folds, by subject."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.errors import InputError
from overread.study.cases import SPLITS
from overread.study.study import Study

HELD_OUT_SHARE = 0.3
"""Share of all subjects that `split_held_out` holds out."""

_HELD_OUT_SALT = "overread held-out"


@dataclass(frozen=True)
class Fold:
    """One round of a cross-validation; no subject is in two of its parts."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def split_folds(study: Study, *, folds: int, validation_fraction: float, seed: int) -> tuple[Fold, ...]:
    """Split a study's cases for a k-fold cross-validation by subject.

    Each case is in the test part of exactly one fold. Where `cases.csv` has a `split` column, that one split is used,
    with validation subjects drawn from its training subjects if it names none, and `folds` must be 1.

    Args:
        study: the study.
        folds: number of folds, 1 only with a `split` column.
        validation_fraction: share of the subjects that are not in the test part which become validation subjects,
            at least one.
        seed: shuffles the subjects.

    Raises:
        InputError: fewer subjects than folds, fewer than 3 subjects, folds and split column disagree, or a part of the
            split column lacks cases.
    """
    if any(case.split for case in study.cases):
        return (_fixed_fold(study, folds, validation_fraction, seed),)
    subjects = list(dict.fromkeys(case.subject_id for case in study.cases))
    if len(subjects) < 3:
        raise InputError(
            "a study must have at least 3 subjects, to train, to validate and to test on", found=len(subjects)
        )
    fewest = 3 if len(subjects) == 3 else 2
    if not fewest <= folds <= len(subjects):
        raise InputError(
            f"folds must lie between {fewest} and the number of subjects, {len(subjects)}",
            found=folds,
            hint="each fold holds out a subject and needs two others; one fold needs a split column in cases.csv",
        )
    order = np.random.default_rng(seed).permutation(len(subjects))
    chunks = [[subjects[index] for index in chunk] for chunk in np.array_split(order, folds)]
    return tuple(_build_fold(study, chunks, held_out, validation_fraction) for held_out in range(folds))


def split_held_out(study: Study, *, validation_fraction: float, seed: int) -> Fold:
    """Split a study's cases once, so that a subject that is held out stays so however the study grows.

    Where `cases.csv` has a `split` column, that split is used, see `split_folds`. Otherwise the subject's name alone
    decides: about `HELD_OUT_SHARE` of all names are for testing. Nothing that is learnt from one revision can have seen
    the test cases of another.

    Args:
        study: the study.
        validation_fraction: share of the other subjects that become validation subjects, at least one.
        seed: draws the validation subjects.

    Raises:
        InputError: no case is left for one of the three parts.
    """
    if any(case.split for case in study.cases):
        return _fixed_fold(study, 1, validation_fraction, seed)
    test = tuple(case.case_id for case in study.cases if is_held_out(case.subject_id))
    rest = tuple(case_id for case_id in study.case_ids if case_id not in set(test))
    if not test or len({study.subject_of[case_id] for case_id in rest}) < 2:
        raise InputError(
            "a study must have subjects to train, to validate and to test on, as their names decide",
            found=f"{len(rest)} cases to learn from and {len(test)} to test on",
            hint="add cases, or a split column with train and test to cases.csv",
        )
    train, validation = split_validation(study, rest, fraction=validation_fraction, seed=seed)
    return Fold(train, validation, test)


def is_held_out(subject_id: str) -> bool:
    """Whether a subject is for testing where no table says so."""
    digest = hashlib.sha256(f"{_HELD_OUT_SALT} {subject_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < HELD_OUT_SHARE * 2**64


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


def _fixed_fold(study: Study, folds: int, validation_fraction: float, seed: int) -> Fold:
    if folds != 1:
        raise InputError(
            "folds must be 1 where cases.csv has a split column",
            found=folds,
            hint="set folds to 1, or remove the column for a cross-validation",
        )
    if unsplit := [case.case_id for case in study.cases if not case.split]:
        raise InputError("every case must have a split where cases.csv has that column", found=f"none for {unsplit[0]}")
    train, validation, test = (tuple(c.case_id for c in study.cases if c.split == name) for name in SPLITS)
    if not validation:
        train, validation = split_validation(study, train, fraction=validation_fraction, seed=seed)
    if not train or not validation or not test:
        raise InputError(
            "the split column of cases.csv must leave cases to train, to validate and to test on",
            found=f"{len(train)}, {len(validation)} and {len(test)}",
        )
    return Fold(train, validation, test)
