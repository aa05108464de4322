"""Which epoch a training keeps the weights of, or relabels after, and when it may end early."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from overread.errors import InputError
from overread.training.history import EpochReport

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


class EpochChoice(Protocol):
    """A rule that looks at the epochs so far."""

    def choose(self, reports: Sequence[EpochReport], /) -> int:
        """The epoch, counted from 1, whose weights are kept if the training ends now; 0 while there is none."""

    def is_over(self, reports: Sequence[EpochReport], /) -> bool:
        """Whether further epochs would not change the choice."""


@dataclass(frozen=True)
class BestValidation:
    """The epoch with the best validation Dice, the first of equal ones.

    Attributes:
        patience: validations without a better Dice before the training ends.
    """

    patience: int

    def choose(self, reports: Sequence[EpochReport]) -> int:
        """See `EpochChoice`."""
        best, chosen = -1.0, 0
        for report in reports:
            if report.validation_dice is not None and report.validation_dice > best:
                best, chosen = report.validation_dice, report.epoch
        return chosen

    def is_over(self, reports: Sequence[EpochReport]) -> bool:
        """See `EpochChoice`."""
        chosen = self.choose(reports)
        since = [report for report in reports if report.validation_dice is not None and report.epoch > chosen]
        return chosen > 0 and len(since) >= self.patience


@dataclass(frozen=True)
class LastEpoch:
    """The last epoch, whatever the validation says."""

    def choose(self, reports: Sequence[EpochReport]) -> int:
        """See `EpochChoice`."""
        return len(reports)

    def is_over(self, _: Sequence[EpochReport]) -> bool:
        """See `EpochChoice`."""
        return False


@dataclass(frozen=True)
class FixedEpoch:
    """An epoch that the user named.

    Attributes:
        epoch: counted from 1.
    """

    epoch: int

    def choose(self, reports: Sequence[EpochReport]) -> int:
        """See `EpochChoice`."""
        return min(self.epoch, len(reports))

    def is_over(self, reports: Sequence[EpochReport]) -> bool:
        """See `EpochChoice`."""
        return len(reports) >= self.epoch


@dataclass(frozen=True)
class FastestFall:
    """The epoch in which the cumulative uncertainty fell fastest (Redekop and Chernyavskiy 2021, section 3.2)."""

    def choose(self, reports: Sequence[EpochReport]) -> int:
        """See `EpochChoice`."""
        cumulative = _list_uncertainties(reports)
        return choose_relabel_epoch(cumulative) if len(cumulative) > 1 else 0

    def is_over(self, reports: Sequence[EpochReport]) -> bool:
        """See `EpochChoice`."""
        return has_passed_minimum(_list_uncertainties(reports))


def _list_uncertainties(reports: Sequence[EpochReport]) -> list[float]:
    return [report.cumulative_uncertainty for report in reports if report.cumulative_uncertainty is not None]
