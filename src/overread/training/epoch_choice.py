"""Which epoch a training keeps the weights of, or relabels after, and when it may end early."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from overread.errors import InputError
from overread.training.history import EpochReport

_PATIENCE = 2
LEAST_DICE = 0.25
"""A network that agrees less with the labels it learns has not learnt enough to judge them."""
_PLATEAU = 0.02
"""Share by which the loss still falls from one epoch to the next where training has settled."""


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


def choose_relabel_epoch(cumulative: Sequence[float], able: Sequence[bool] | None = None) -> int:
    """The epoch, counted from 1, after which to relabel: uncertainty falls fastest there.

    The first epoch has no epoch before it, hence no change, and is never the choice; a user can name it.

    Args:
        cumulative: ΣU after epochs 1, 2, …
        able: of each epoch, whether it may be chosen; None where all may.

    Raises:
        InputError: fewer than two epochs, or none that may be chosen.
    """
    allowed = [
        (change, epoch)
        for epoch, change in enumerate(compute_relative_changes(cumulative), start=2)
        if able is None or able[epoch - 1]
    ]
    if not allowed:
        raise InputError("the epoch to relabel after needs the uncertainty of two epochs", found=len(cumulative))
    return min(allowed)[1]


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
    """The epoch in which the cumulative uncertainty fell fastest (Redekop and Chernyavskiy 2021, section 3.2).

    Among those whose network has learnt enough, see `has_learnt`: an untrained network that comes to say nothing loses
    its uncertainty fastest of all. While there is no such epoch, the last one so far stands, so that a training in
    which no network learns enough relabels after its last epoch. The first epoch has no change and is not chosen but in
    that case.

    Attributes:
        patience: epochs after the chosen one that must not fall faster before the training ends.
    """

    patience: int = _PATIENCE

    def choose(self, reports: Sequence[EpochReport]) -> int:
        """See `EpochChoice`."""
        return self._find(reports) or len(reports)

    def is_over(self, reports: Sequence[EpochReport]) -> bool:
        """See `EpochChoice`."""
        chosen = self._find(reports)
        return chosen > 0 and len(reports) - chosen >= self.patience

    def _find(self, reports: Sequence[EpochReport]) -> int:
        """0 while no epoch may be chosen."""
        cumulative = _list_uncertainties(reports)
        able = [has_learnt(reports, index) for index in range(len(cumulative))]
        return choose_relabel_epoch(cumulative, able) if any(able[1:]) else 0


def has_learnt(reports: Sequence[EpochReport], index: int) -> bool:
    """Whether the network of an epoch agrees enough with labels of the kind that it learns to judge them.

    Its Dice with the labels that are learnt, on validation cases, is at least 0.25; or it is above 0 and the loss has
    settled, so that more is not to be expected of small or difficult structures.

    Args:
        reports: the epochs so far.
        index: of the epoch, from 0.
    """
    report = reports[index]
    dice = report.validation_dice if report.learnt_dice is None else report.learnt_dice
    if dice is None or not dice > 0:
        return False
    before = reports[index - 1].loss if index else float("inf")
    return dice >= LEAST_DICE or before - report.loss < _PLATEAU * before


def _list_uncertainties(reports: Sequence[EpochReport]) -> list[float]:
    return [report.cumulative_uncertainty for report in reports if report.cumulative_uncertainty is not None]
