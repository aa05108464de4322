"""What an analysis is told and what it finds."""

from typing import Literal

from pydantic import Field, model_validator

from overread.evaluation.results import Interval
from overread.evaluation.verdict import AUROC_THAT_MATTERS, Verdict
from overread.questions.crowd_disagreement.feature_sets import COMBINED, DISAGREEMENT
from overread.records import Result
from overread.settings import Settings


class CrowdSettings(Settings):
    """Cross-validated logistic regression, and the permutation test of disagreement."""

    leak_free: bool = Field(
        True, description="z-score with the training fold alone, rather than with all cases before they are divided"
    )
    folds: int = Field(10, ge=2, description="folds of the cross-validation, both classes in each of them")
    repeats: int = Field(10, ge=1, description="times that the cases are divided into folds anew")
    permutations: int = Field(1000, ge=99, description="random assignments of outcomes in the permutation test")
    permutation_repeats: int = Field(
        3, ge=1, description="divisions into folds that an AUC of the permutation test is the mean of"
    )
    inverse_penalty: float = Field(
        1.0, gt=0, le=1000, description="C of the logistic regression: weight of the data against the ridge penalty"
    )
    confidence: float = Field(0.95, gt=0, lt=1, description="of the intervals")
    matters: float = Field(
        AUROC_THAT_MATTERS, gt=0, lt=0.5, description="smallest AUC of disagreement above 0.5 that matters, of ratings"
    )
    gain_matters: float = Field(
        0.05, gt=0, lt=0.5, description="smallest gain of AUC by disagreement over size alone that matters, of masks"
    )

    @model_validator(mode="after")
    def _tests_use_divisions_that_are_there(self) -> "CrowdSettings":
        if self.permutation_repeats > self.repeats:
            raise ValueError(f"permutation_repeats must be at most repeats, {self.repeats}")
        return self


LEVEL = 0.05
"""A test shows something where p is below this."""
CHANCE = 0.5
"""AUC of a guess."""
AUC_COLUMNS = ("features", "leak_free", "repeat", "fold", "auc")
"""Columns of `fold_auc.csv`: one row per set of features, order of z-scoring, repeat and held-out fold."""

CASE_COLUMNS = ("case_id", "subject_id", "outcome", "component_1", "component_2")
"""First columns of `cases.csv`: one row per case analysed; a column `spread:…` per measure of disagreement follows.

`outcome` is the class as the table names it. Components are those of the z-scored columns; measures have mean 0 and
standard deviation 1 over the cases.
"""


def name_spread(name: str) -> str:
    """Column of a measure of disagreement in `cases.csv`."""
    return f"spread:{name}"


class MeasuredTable(Settings):
    """Where the features come from.

    Attributes:
        kind: ratings of annotators, or disagreement of the sources of a study.
        name: of the table or study.
        columns: number of columns measured per case.
        annotators: who rated; for a study its sources.
        features: what was rated; for a study what was measured.
        layout: how a table of ratings was read, `long` or the pattern of its columns; empty for a study.
        ignored: columns of the table that the pattern does not fit.
    """

    kind: Literal["ratings", "sources"]
    name: str
    columns: int
    annotators: tuple[str, ...]
    features: tuple[str, ...]
    layout: str = ""
    ignored: tuple[str, ...] = ()


class OutcomeClasses(Settings):
    """The outcome over the cases analysed.

    Attributes:
        column: its name.
        negative: value of one class.
        positive: value of the other class.
        negative_count: cases of one class.
        positive_count: cases of the other class.
    """

    column: str
    negative: str
    positive: str
    negative_count: int
    positive_count: int


class FeatureSetScore(Settings):
    """How well one set of features tells the outcome.

    Attributes:
        key: of the set.
        title: for people.
        group: all, feature, annotator, combined or measure.
        size: number of features.
        is_disagreement: whether it holds nothing but disagreement.
        auc: mean over repeats and held-out folds; corrected resampled t interval.
        repeat_std: sample standard deviation of the repeats' means; None for one repeat.
        other_order_auc: mean AUC with the other order of z-scoring.
    """

    key: str
    title: str
    group: Literal["all", "feature", "annotator", "combined", "measure"]
    size: int
    is_disagreement: bool
    auc: Interval
    repeat_std: float | None
    other_order_auc: float


class PermutationTest(Settings):
    """Whether a set of features of ratings tells more than chance, or one of masks more than their size.

    Attributes:
        key: of the set.
        title: for people.
        observed: mean AUC over the first `permutation_repeats` divisions into folds, which the permutations share.
        chance_mean: mean over the permutations.
        chance_high: their 95th percentile.
        permutations: how many; of outcomes for ratings, of what size leaves unexplained for masks.
        p: share of permutations that reach the observed AUC, one-sided, the observed order counted among them (Phipson
            and Smyth 2010).
        p_holm: the same, Holm-corrected over the single measures; None for sets of all measures.
    """

    key: str
    title: str
    observed: float
    chance_mean: float
    chance_high: float
    permutations: int
    p: float
    p_holm: float | None = None


class SpreadContrast(Settings):
    """One measure of disagreement in both classes.

    Attributes:
        name: of the rated feature, or of the measure.
        positive_median: in units of its standard deviation over all cases.
        negative_median: the same in the other class.
        positive_higher: share of pairs of both classes in which the positive case has the larger disagreement, equal
            ones counted half.
        p: two-sided Mann-Whitney test.
        p_holm: the same, Holm-corrected over the measures.
    """

    name: str
    positive_median: float
    negative_median: float
    positive_higher: float
    p: float
    p_holm: float

    @property
    def column(self) -> str:
        """Its column in `cases.csv`."""
        return name_spread(self.name)


class CrowdEvaluation(Result):
    """Everything that the report of `crowd-disagreement` says in numbers.

    Attributes:
        table: where the features come from.
        outcome: what is predicted.
        case_count: cases analysed.
        subject_count: subjects that they are of.
        incomplete: cases left out because a value is missing or infinite.
        without_outcome: cases left out because their outcome is not known.
        unmeasured: cases with an outcome that the table of features lacks.
        settings: of the analysis.
        seed: of folds and permutations.
        scores: every set of features.
        gain: AUC with disagreement and consensus minus that of the consensus alone, per fold; same kind of interval.
            The consensus of masks is their size.
        tests: for ratings disagreement alone, for masks size and disagreement and then disagreement freed of size; and
            each of its measures.
        contrasts: every measure of disagreement by class.
        explained: share of the variance along the first two principal components.
    """

    table: MeasuredTable
    outcome: OutcomeClasses
    case_count: int
    subject_count: int
    incomplete: tuple[str, ...]
    without_outcome: tuple[str, ...]
    unmeasured: tuple[str, ...]
    settings: CrowdSettings
    seed: int
    scores: tuple[FeatureSetScore, ...]
    gain: Interval
    tests: tuple[PermutationTest, ...]
    contrasts: tuple[SpreadContrast, ...]
    explained: tuple[float, float]

    def find_score(self, key: str) -> FeatureSetScore:
        """The score of a set of features."""
        return next(score for score in self.scores if score.key == key)

    @property
    def main_test(self) -> PermutationTest:
        """The test that decides: of disagreement alone for ratings, of disagreement beside size for masks."""
        return self.find_test(COMBINED if self.table.kind == "sources" else DISAGREEMENT)

    @property
    def effect(self) -> Interval:
        """What the answer is about: AUC of disagreement above 0.5 for ratings, its gain over size alone for masks."""
        if self.table.kind == "sources":
            return self.gain
        auc = self.find_score(DISAGREEMENT).auc
        low, high = auc.low - CHANCE, auc.high - CHANCE
        return Interval(estimate=auc.estimate - CHANCE, low=low, high=high, confidence=auc.confidence)

    @property
    def matters(self) -> float:
        """Smallest effect that matters."""
        return self.settings.gain_matters if self.table.kind == "sources" else self.settings.matters

    @property
    def verdict(self) -> Verdict:
        """Whether disagreement tells something: the test decides, unless the whole interval is too small to matter.

        An effect below 0 is no yes, however rare it is among random orders: fits to noise lose AUC.
        """
        if -self.matters < self.effect.low and self.effect.high < self.matters:
            return "no difference that matters"
        return "yes" if self.main_test.p < LEVEL and self.effect.estimate > 0 else "cannot tell"

    def find_test(self, key: str) -> PermutationTest:
        """The permutation test of a set of features."""
        return next(test for test in self.tests if test.key == key)
