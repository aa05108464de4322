"""The answer to the question of a page."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Mark: TypeAlias = Literal["yes", "not-shown", "reversed", "no-answer", "no-difference"]


@dataclass(frozen=True)
class Answer:
    """The answer to the question of a page.

    Attributes:
        verdict: how it is set, by which of the outcomes it is.
        lead: the first words, to be set in bold.
        rest: the sentence that goes on from there.
    """

    verdict: Mark
    lead: str
    rest: str

    @property
    def sentence(self) -> str:
        """The whole answer as plain text."""
        return f"{self.lead} {self.rest}"
