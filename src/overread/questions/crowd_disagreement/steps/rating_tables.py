"""Ratings and outcomes in two CSV tables."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from overread.errors import SettingsError
from overread.questions.crowd_disagreement.results import MeasuredTable
from overread.questions.crowd_disagreement.steps.annotation_data import MeasuredCases
from overread.questions.crowd_disagreement.steps.disagreement_choice import DisagreementChoice
from overread.study.digest import compute_file_digest, compute_study_digest


@dataclass(frozen=True)
class RatingTables:
    """Ratings of cases and their outcomes. See `AnnotationData`.

    Attributes:
        ratings: a long or wide CSV table.
        outcomes: a CSV table with a binary column.
        choice: outcome and pattern of the columns.

    Raises:
        SettingsError: the choice names sources.
    """

    ratings: Path
    outcomes: Path
    choice: DisagreementChoice

    def __post_init__(self) -> None:
        if self.choice.sources:
            rule = "sources must be those of a study; tables of ratings have none"
            raise SettingsError(rule, found=", ".join(self.choice.sources))

    @property
    def name(self) -> str:
        """See `AnnotationData`."""
        return self.ratings.stem

    @cached_property
    def digests(self) -> dict[str, str]:
        """See `AnnotationData`."""
        return {"ratings": compute_file_digest(self.ratings), "outcomes": compute_file_digest(self.outcomes)}

    @property
    def digest(self) -> str:
        """See `AnnotationData`."""
        return compute_study_digest("ratings", self.digests)

    def measure(self) -> MeasuredCases:
        """See `AnnotationData`."""
        from overread.questions.crowd_disagreement.case_features import check_annotators_differ, label_cases
        from overread.questions.crowd_disagreement.rating_features import collect_rating_features
        from overread.study.outcomes import read_outcomes
        from overread.study.ratings_table import read_ratings

        rated = read_ratings(self.ratings, pattern=self.choice.columns)
        outcome = read_outcomes(self.outcomes, column=self.choice.outcome, positive=self.choice.positive)
        cases = label_cases(collect_rating_features(rated), outcome)
        check_annotators_differ(cases, rated.annotators)
        table = MeasuredTable(
            kind="ratings",
            name=self.name,
            columns=len(cases.features.columns),
            annotators=rated.annotators,
            features=rated.features,
            layout=rated.layout,
            ignored=rated.ignored,
        )
        return MeasuredCases(cases, outcome, table)
