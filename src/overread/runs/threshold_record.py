"""The threshold of each training that is best on its validation cases, as it is kept beside predictions."""

from pathlib import Path

from overread.records import Result

FOLDER = "best-thresholds"
"""Beside the label sets that networks predict."""


class BestThresholds(Result):
    """What was chosen.

    Attributes:
        threshold_of: by the name of the training.
    """

    threshold_of: dict[str, float]


def read_best_thresholds(predictions_folder: Path) -> dict[str, float]:
    """The threshold of each training, by its name."""
    return BestThresholds.read(locate_best_thresholds(predictions_folder)).threshold_of


def locate_best_thresholds(predictions_folder: Path) -> Path:
    """The file of the thresholds beside predictions."""
    return predictions_folder / FOLDER / "thresholds.json"
