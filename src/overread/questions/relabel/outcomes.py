"""What the differences that relabelling makes say, by their intervals."""

from overread.evaluation.results import Interval
from overread.questions.relabel.results import LabelRepair, Outcome, RelabelEvaluation

_ROUNDING = 1e-12
"""Differences of Dice that equal arithmetic in another order can make."""


def judge_outcome(difference: Interval | None) -> Outcome:
    """Whether a difference lies above 0, below 0 or around it, by its whole interval.

    With a single subject the interval is unknown and the outcome is "undecided".
    """
    if difference is None:
        return "unknown"
    if difference.low > _ROUNDING:
        return "gained"
    return "lost" if difference.high < -_ROUNDING else "undecided"


def choose_repair(evaluation: RelabelEvaluation, noise: str, method: str = "") -> LabelRepair | None:
    """What relabelling did to labels, in one entry: that of the new source, or of the training masks without one.

    Args:
        evaluation: the numbers.
        noise: which labels were repaired.
        method: how uncertainty was estimated; the main one if empty.
    """
    chosen = method or evaluation.methods[0]
    new_source = evaluation.find_repair(noise, chosen, "source")
    return new_source or evaluation.find_repair(noise, chosen, "training")


def find_gain(evaluation: RelabelEvaluation, noise: str, method: str = "") -> Interval | None:
    """What the network gained by relabelling in Dice with clean masks; None where that is not known.

    Args:
        evaluation: the numbers.
        noise: which labels were repaired.
        method: how uncertainty was estimated; the main one if empty.
    """
    cell = evaluation.find_cell(noise, "relabel", method or evaluation.methods[0])
    return None if cell is None else cell.gain
