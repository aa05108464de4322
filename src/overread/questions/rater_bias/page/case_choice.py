"""Which cases are shown as pictures: chosen by a rule, so that nobody picks the pretty ones."""

from collections.abc import Mapping
from dataclasses import dataclass

CHOICE_RULE = "least, in between (median) and best"


@dataclass(frozen=True)
class ChosenCase:
    """A case and why it was chosen.

    Attributes:
        case_id: the case.
        reason: its place in the order of agreement.
        agreement: mean Dice of the sources with each other.
    """

    case_id: str
    reason: str
    agreement: float


def choose_cases(agreement: Mapping[str, float]) -> tuple[ChosenCase, ...]:
    """Choose the cases of lowest, median and highest agreement, each once.

    With an even number of cases the median is the lower of the two in the middle; ties go by case id.

    Args:
        agreement: mean Dice of the sources per case.
    """
    ordered = sorted(agreement, key=lambda case_id: (agreement[case_id], case_id))
    if not ordered:
        return ()
    places = {"least agreement": 0, "median agreement": (len(ordered) - 1) // 2, "best agreement": len(ordered) - 1}
    chosen: dict[str, str] = {}
    for reason in ("least agreement", "best agreement", "median agreement"):
        chosen.setdefault(ordered[places[reason]], reason)
    return tuple(ChosenCase(case_id, chosen[case_id], agreement[case_id]) for case_id in ordered if case_id in chosen)
