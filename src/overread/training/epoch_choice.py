"""Which epoch's weights a training keeps, and when it may end early."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from overread.training.history import EpochReport
from overread.training.relabel_epoch import choose_relabel_epoch, has_passed_minimum


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
