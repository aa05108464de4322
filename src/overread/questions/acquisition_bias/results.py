"""What the acquisition probe finds: the numbers behind the report."""

from typing import Literal, TypeAlias

from overread.evaluation.confounding import Confounding
from overread.evaluation.results import Interval
from overread.evaluation.roc import RocCurve
from overread.questions.acquisition_bias.matching import Matching
from overread.records import Result

SCORE_COLUMNS = ("variant", "fold", "package", "case_id", "subject_id", "label")
"""Columns of `scores.csv` before the probabilities: one row per variant, held-out case and package of slices.

`label` is the class that the probe was to name, a shuffled one in the variant shuffled. After them comes a column
`p:<class>` per class with the probe's probability, in [0, 1].
"""
PROBABILITY_PREFIX = "p:"
"""Before the name of a class in the columns of probabilities."""
VARIANT_TITLES = {
    "whole": "whole slice",
    "outside": "padding and air",
    "body": "body",
    "noise": "noise residue",
    "shuffled": "shuffled labels",
}
"""What a probe saw, as people call it."""
ErrorGrouping: TypeAlias = Literal["class", "age", "sex"]


class ClassAccuracy(Result):
    """Accuracy on the cases of one class, mean over packages; `interval` over subjects, in [0, 1]."""

    label: str
    case_count: int
    interval: Interval


class VariantScore(Result):
    """How well a probe names the class of held-out cases.

    Attributes:
        variant: what it saw, a key of VARIANT_TITLES.
        accuracy: share of packages whose most probable class is right, averaged over packages; bootstrap over subjects.
        accuracy_std: standard deviation (N - 1) of the accuracy over packages, as in the paper; None for one package.
        auroc: area under the ROC curve of the mean probability of a case over its packages, mean over classes (each
            against the others); bootstrap over subjects, within classes.
        auroc_std: standard deviation (N - 1) of the AUROC over packages; None for one package.
        by_class: accuracy on each class.
        roc: curve of the mean probabilities of the cases, all rounds together; None where all cases have one class.
        confusion: (K, K) cases by true class (rows) and by the class of the highest mean probability (columns).
    """

    variant: str
    accuracy: Interval
    accuracy_std: float | None
    auroc: Interval
    auroc_std: float | None
    by_class: tuple[ClassAccuracy, ...]
    roc: RocCurve | None
    confusion: tuple[tuple[int, ...], ...]


class ErrorRate(Result):
    """Errors of the probe on whole slices in one group of cases.

    Attributes:
        grouping: class, age or sex.
        value: the class, the age band, the sex; "unknown" where the table has none.
        case_count: cases of the group.
        rate: share of wrong packages, averaged over the cases; bootstrap over subjects.
    """

    grouping: ErrorGrouping
    value: str
    case_count: int
    rate: Interval


class AurocFall(Result):
    """AUROC of one variant minus that of another, on the same cases; the bootstrap draws the same subjects for both."""

    seen: str
    left: str
    difference: Interval


class AcquisitionEvaluation(Result):
    """Everything that the report of `acquisition-bias` says in numbers.

    Attributes:
        study: name of the study.
        target: column of the case table that the probe names.
        class_counts: held-out cases of each class.
        subject_count: subjects of these cases.
        unlabelled_cases: cases left out, for the column is empty or names a class that was not asked for.
        matching: how age and sex were made alike.
        variants: each variant.
        falls: how AUROC differs from padding and air, and from the whole slice, to the body alone.
        errors: errors by class, age band and sex.
        confounding: how the target goes together with other columns.
        single_slice: every case has one slice, so that all its packages are alike.
        seed: of the bootstrap.
        confidence: of all intervals.
    """

    study: str
    target: str
    class_counts: dict[str, int]
    subject_count: int
    unlabelled_cases: tuple[str, ...]
    matching: Matching
    variants: tuple[VariantScore, ...]
    falls: tuple[AurocFall, ...]
    errors: tuple[ErrorRate, ...]
    confounding: Confounding
    single_slice: bool
    seed: int
    confidence: float = 0.95

    @property
    def case_count(self) -> int:
        """Held-out cases."""
        return sum(self.class_counts.values())

    @property
    def majority_share(self) -> float:
        """Accuracy of always naming the most frequent class, in [0, 1]."""
        return max(self.class_counts.values()) / self.case_count

    def find_variant(self, variant: str) -> VariantScore | None:
        """The scores of a variant; None where it was not tried."""
        return next((score for score in self.variants if score.variant == variant), None)

    def find_fall(self, seen: str, left: str) -> AurocFall | None:
        """The AUROC of `left` minus that of `seen`; None where one was not tried."""
        return next((fall for fall in self.falls if (fall.seen, fall.left) == (seen, left)), None)
