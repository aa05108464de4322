"""Colours and marks of the two classes of an outcome."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ClassStyle:
    """How one class looks: colour, matplotlib marker, and its name in the style sheet."""

    colour: str
    marker: str
    mark: str


POSITIVE = ClassStyle("#d55e00", "D", "diamond")
NEGATIVE = ClassStyle("#0072b2", "o", "dot")
