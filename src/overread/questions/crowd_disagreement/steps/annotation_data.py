"""What an analysis of disagreement reads: annotations of cases by several people, and the outcome of each case."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from overread.errors import SettingsError
from overread.questions.crowd_disagreement.results import MeasuredTable

if TYPE_CHECKING:
    from overread.questions.crowd_disagreement.case_features import LabelledCases
    from overread.study.outcomes import Outcome


@dataclass(frozen=True)
class MeasuredCases:
    """What is measured of the cases.

    Attributes:
        cases: complete cases with their outcome.
        outcome: names of column and classes.
        table: where the features come from.
    """

    cases: "LabelledCases"
    outcome: "Outcome"
    table: MeasuredTable


class AnnotationData(Protocol):
    """Annotations of the same cases by several people, and the outcome of each case."""

    @property
    def name(self) -> str:
        """Name of the table of ratings, or of the study."""

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each table, or over the masks of each source."""

    @property
    def digest(self) -> str:
        """SHA-256 over all that is read."""

    def measure(self) -> MeasuredCases:
        """Read everything and check it.

        Raises:
            InputError: a table, a source or the outcome breaks a rule.
        """


def check_one_kind_is_given(*, ratings: str, outcomes: str, study: str) -> None:
    """Check that there are either tables of ratings and outcomes, or a study.

    Args:
        ratings: address of a table, or empty.
        outcomes: address of a table, or empty.
        study: address of a study, or empty.

    Raises:
        SettingsError: both are given, or neither, or half of a pair.
    """
    given = {"ratings": ratings, "outcomes": outcomes, "study": study}
    names = [name for name, address in given.items() if address]
    if names not in (["ratings", "outcomes"], ["study"]):
        rule = "either ratings and outcomes or a study must be given"
        raise SettingsError(rule, found=", ".join(names) or "neither")
