"""Parts of a study that are alike in their classes and share no subject; and classes that are shuffled."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from overread.errors import InputError


@dataclass(frozen=True)
class LabelledCase:
    """A case of a probe.

    Attributes:
        case_id: the case.
        subject_id: its subject.
        label: its class, the value of the target column.
    """

    case_id: str
    subject_id: str
    label: str


@dataclass(frozen=True)
class ProbeFold:
    """Cases of one round: to learn from, to choose the epoch by, and held out; no subject is in two of them."""

    train: tuple[LabelledCase, ...]
    validation: tuple[LabelledCase, ...]
    test: tuple[LabelledCase, ...]


def find_main_labels(cases: Sequence[LabelledCase]) -> dict[str, str]:
    """The most frequent class of each subject, the first in the alphabet of equally frequent ones."""
    labels: dict[str, Counter[str]] = {}
    for case in cases:
        labels.setdefault(case.subject_id, Counter())[case.label] += 1
    return {
        subject: min(counts, key=lambda label: (-counts[label], label)) for subject, counts in sorted(labels.items())
    }


def split_stratified_folds(
    cases: Sequence[LabelledCase], *, folds: int, validation_folds: int, seed: int
) -> tuple[ProbeFold, ...]:
    """Split cases by subject for a cross-validation whose parts have about the same share of each class.

    The subjects of a class, shuffled and then those with most cases first, go one by one to the part that has fewest
    cases of the class so far (fewest cases at all among equals). A subject with cases of several classes counts for
    its main class. In round k part k is held out, the `validation_folds` parts after it choose the epoch.

    Raises:
        InputError: a class has fewer subjects than there are folds.
    """
    main = find_main_labels(cases)
    check_subject_counts(main, folds)
    parts: list[list[LabelledCase]] = [[] for _ in range(folds)]
    for subject in _order_subjects(cases, main, seed):
        own = [case for case in cases if case.subject_id == subject]
        label = main[subject]
        place = min(
            range(folds), key=lambda index: (sum(c.label == label for c in parts[index]), len(parts[index]), index)
        )
        parts[place] += own
    return tuple(_build_fold(parts, held_out, validation_folds) for held_out in range(folds))


def check_subject_counts(main_labels: Mapping[str, str], folds: int) -> None:
    """Refuse classes that cannot be in every part.

    Raises:
        InputError: a class has fewer subjects than there are folds.
    """
    counts = Counter(main_labels.values())
    few = [f"{label!r} of {counts[label]}" for label in sorted(counts) if counts[label] < folds]
    if few:
        hint = "leave such classes out with classes=…"
        if folds > 3 and min(counts.values()) >= 3:
            hint = f"use {min(counts.values())} folds or fewer, or leave such classes out with classes=…"
        raise InputError(
            f"every class must have at least {folds} subjects, one for each fold", found=", ".join(few), hint=hint
        )


def shuffle_labels(cases: Sequence[LabelledCase], *, seed: int | tuple[int, ...]) -> tuple[LabelledCase, ...]:
    """Give every subject the main class of a random subject; all cases of a subject get the same class.

    The number of subjects of each class stays as it is, that of cases need not.
    """
    main = find_main_labels(cases)
    order = np.random.default_rng(seed).permutation(len(main))
    labels = list(main.values())
    shuffled = {subject: labels[index] for subject, index in zip(main, order, strict=True)}
    return tuple(LabelledCase(case.case_id, case.subject_id, shuffled[case.subject_id]) for case in cases)


def _order_subjects(cases: Sequence[LabelledCase], main: Mapping[str, str], seed: int) -> list[str]:
    counts = Counter(case.subject_id for case in cases)
    subjects = list(main)
    shuffled = [subjects[index] for index in np.random.default_rng(seed).permutation(len(subjects))]
    return sorted(shuffled, key=lambda subject: (main[subject], -counts[subject]))


def _build_fold(parts: Sequence[Sequence[LabelledCase]], held_out: int, validation_folds: int) -> ProbeFold:
    turned = [parts[(held_out + step) % len(parts)] for step in range(len(parts))]
    validation = [case for part in turned[1 : 1 + validation_folds] for case in part]
    train = [case for part in turned[1 + validation_folds :] for case in part]
    return ProbeFold(tuple(train), tuple(validation), tuple(turned[0]))
