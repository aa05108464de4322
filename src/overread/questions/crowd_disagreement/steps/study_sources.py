"""The sources of a study, and a column of its case table as the outcome."""

from dataclasses import dataclass
from functools import cached_property

from overread.errors import SettingsError
from overread.questions.crowd_disagreement.results import MeasuredTable
from overread.questions.crowd_disagreement.steps.annotation_data import MeasuredCases
from overread.questions.crowd_disagreement.steps.disagreement_choice import DisagreementChoice
from overread.study.digest import compute_images_digest, compute_source_digest, compute_study_digest
from overread.study.study import Study


@dataclass(frozen=True)
class StudySources:
    """Masks of several sources, and a binary column of `cases.csv`. See `AnnotationData`.

    Attributes:
        study: the study.
        choice: outcome and sources.

    Raises:
        SettingsError: the choice names a pattern of columns.
    """

    study: Study
    choice: DisagreementChoice

    def __post_init__(self) -> None:
        if self.choice.columns:
            rule = "columns must be those of a table of ratings; a study has none"
            raise SettingsError(rule, found=repr(self.choice.columns))

    @property
    def name(self) -> str:
        """See `AnnotationData`."""
        return self.study.settings.name

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The sources that are compared."""
        return self.study.select_sources(self.choice.sources)

    @cached_property
    def digests(self) -> dict[str, str]:
        """See `AnnotationData`."""
        return {name: compute_source_digest(self.study, name) for name in self.sources}

    @cached_property
    def digest(self) -> str:
        """See `AnnotationData`."""
        return compute_study_digest(compute_images_digest(self.study), self.digests)

    def measure(self) -> MeasuredCases:
        """See `AnnotationData`."""
        from overread.questions.crowd_disagreement.case_features import label_cases
        from overread.questions.crowd_disagreement.source_disagreement import SPREADS, measure_source_disagreement
        from overread.study.outcomes import select_outcome

        column = self.choice.outcome or self.study.settings.ratings_outcome or ""
        outcome = select_outcome(self.study.cases, column=column, positive=self.choice.positive)
        cases = label_cases(measure_source_disagreement(self.study, self.sources), outcome)
        table = MeasuredTable(
            kind="sources",
            name=self.name,
            columns=len(cases.features.columns),
            annotators=self.sources,
            features=SPREADS,
        )
        return MeasuredCases(cases, outcome, table)
