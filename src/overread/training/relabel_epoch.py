"""After which epoch to relabel: before the network learns the errors of its labels by heart."""

from collections.abc import Sequence
from itertools import pairwise

from overread.errors import InputError

_PATIENCE = 2


def compute_relative_changes(cumulative: Sequence[float]) -> list[float]:
    """Relative change of the mean cumulative uncertainty from one epoch to the next.

    The cumulative uncertainty of a case is the sum of its map; the mean is taken over the training cases (ΣU of
    Redekop and Chernyavskiy 2021, section 3.2). The change of epoch e is (ΣU_e - ΣU_(e-1)) / ΣU_(e-1).

    Args:
        cumulative: ΣU after epochs 1, 2, …

    Returns:
        The changes of epochs 2, 3, …; 0 where there was no uncertainty before.
    """
    return [(now - before) / before if before > 0 else 0.0 for before, now in pairwise(cumulative)]


def choose_relabel_epoch(cumulative: Sequence[float]) -> int:
    """The epoch, counted from 1, after which to relabel: uncertainty falls fastest there.

    Args:
        cumulative: ΣU after epochs 1, 2, …

    Raises:
        InputError: fewer than two epochs.
    """
    changes = compute_relative_changes(cumulative)
    if not changes:
        raise InputError("the epoch to relabel after needs the uncertainty of two epochs", found=len(cumulative))
    return changes.index(min(changes)) + 2


def has_passed_minimum(cumulative: Sequence[float], *, patience: int = _PATIENCE) -> bool:
    """Whether the change has stayed above its minimum for `patience` epochs, so that a training can stop there.

    Args:
        cumulative: ΣU after the epochs so far.
        patience: epochs after the one with the smallest change.
    """
    return len(cumulative) >= 2 and len(cumulative) - choose_relabel_epoch(cumulative) >= patience
