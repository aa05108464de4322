"""Division of cases into folds, again and again, and random orders of their outcomes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.questions.crowd_disagreement.case_features import check_folds

Folds = NDArray[np.int64]
Orders = NDArray[np.int64]


def sample_folds(outcome: NDArray[np.bool_], subjects: Sequence[str], *, folds: int, repeats: int, seed: int) -> Folds:
    """Divide cases into folds with about equal shares of both classes, all cases of a subject in one fold.

    Division r is that of scikit-learn's shuffled `StratifiedKFold` (`StratifiedGroupKFold` where subjects have several
    cases) with the random state `seed` · R + r, so that it can be repeated without Overread.

    Args:
        outcome: (N,).
        subjects: (N,) subject of each case.
        folds: number of folds.
        repeats: number of divisions, R.
        seed: of the shuffling, not negative.

    Returns:
        (R, N) the fold in which each case is held out, from 0.

    Raises:
        InputError: a class has fewer cases than there are folds, or a fold would hold one class alone.
    """
    check_folds(outcome, folds)
    divisions = np.empty((repeats, len(outcome)), np.int64)
    for repeat, division in enumerate(divisions):
        for fold, held_out in enumerate(_split(outcome, subjects, folds, seed * repeats + repeat)):
            division[held_out] = fold
            if len(set(outcome[held_out].tolist())) < 2:
                rule = "each fold must hold cases of both classes"
                hint = "some subjects have several cases, which stay together; choose fewer folds"
                raise InputError(rule, found="a fold of one class", hint=hint)
    return divisions


def _split(
    outcome: NDArray[np.bool_], subjects: Sequence[str], folds: int, random_state: int
) -> list[NDArray[np.int64]]:
    """Places of the held-out cases of each fold."""
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    if len(set(subjects)) == len(subjects):
        splits = StratifiedKFold(folds, shuffle=True, random_state=random_state).split(outcome, outcome)
    else:
        splits = StratifiedGroupKFold(folds, shuffle=True, random_state=random_state).split(outcome, outcome, subjects)
    return [held_out for _, held_out in splits]


def sample_orders(subjects: Sequence[str], *, count: int, generator: np.random.Generator) -> Orders:
    """Draw random orders of the cases in which subjects change places as a whole.

    Subjects change places with subjects of as many cases, so that dependence between the cases of a subject is kept
    (whole-block exchangeability, Winkler et al. 2015).

    Args:
        subjects: (N,) subject of each case.
        count: number of orders, P.
        generator: source of randomness.

    Returns:
        (P, N) the place of the case whose outcome each case takes.
    """
    places: dict[str, list[int]] = {}
    for place, subject in enumerate(subjects):
        places.setdefault(subject, []).append(place)
    sizes = sorted({len(block) for block in places.values()})
    blocks = [np.array([block for block in places.values() if len(block) == size]) for size in sizes]
    orders = np.empty((count, len(subjects)), np.int64)
    for order in orders:
        for block in blocks:
            order[block] = generator.permutation(block)
    return orders
