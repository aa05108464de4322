"""What each epoch of a training yields."""

import csv
from collections.abc import Sequence
from pathlib import Path

from overread.settings import Settings

HISTORY_FILE = "history.csv"


class Epoch(Settings):
    """One epoch of any training.

    Attributes:
        epoch: counted from 1.
        loss: mean over its steps.
        learning_rate: step size at its last step.
        seconds: wall-clock time of the loop so far.
    """

    epoch: int
    loss: float
    learning_rate: float
    seconds: float


class EpochReport(Epoch):
    """One epoch of the training of a segmentation network.

    Attributes:
        validation_dice: mean Dice over the validation cases, None where they were not looked at.
        learnt_dice: the same with the labels that the loss sees, where others are used for validation.
        cumulative_uncertainty: ΣU, sum of the aleatoric uncertainty of a training case, mean over the training cases,
            None where it was not estimated.
    """

    validation_dice: float | None
    learnt_dice: float | None = None
    cumulative_uncertainty: float | None = None


def write_history(path: Path, reports: Sequence[EpochReport]) -> None:
    """Write one row per epoch as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(EpochReport.model_fields), lineterminator="\n")
        writer.writeheader()
        writer.writerows(report.model_dump() for report in reports)


def read_history(path: Path) -> tuple[EpochReport, ...]:
    """Read what `write_history` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = [{name: value or None for name, value in row.items()} for row in csv.DictReader(file)]
    return tuple(EpochReport.parse(row, where=str(path)) for row in rows)
