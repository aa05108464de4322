"""What the acquisition probe finds: the numbers behind the report."""

from typing import Literal, TypeAlias

from overread.evaluation.confounding import Confounding
from overread.evaluation.results import Interval
from overread.evaluation.roc import RocCurve
from overread.questions.acquisition_bias.matching import Matching
from overread.records import Result

SCORE_COLUMNS = ("variant", "shuffle", "fold", "package", "case_id", "subject_id", "label")
"""Columns of `scores.csv` before the probabilities: one row per variant, shuffle, held-out case and package of slices.

`shuffle` is 0 where the classes are the true ones, else the number of the shuffle; `label` is the class that the probe
was to name. After them comes a column `p:<class>` per class with the probe's probability, in [0, 1].
"""
PROBABILITY_PREFIX = "p:"
"""Before the name of a class in the columns of probabilities."""
VARIANT_TITLES = {
    "whole": "whole slice",
    "outside": "padding and air",
    "body": "body",
    "noise": "noise residue",
}
"""What a probe saw, as people call it."""
CHANCE = 0.5
"""AUROC of a probe that knows nothing."""
RegionVerdict: TypeAlias = Literal["told", "cannot tell"]
"""What a region's AUROC says. That nothing tells the class can never be shown."""
FallVerdict: TypeAlias = Literal["falls", "rises", "no difference that matters", "cannot tell"]
ErrorGrouping: TypeAlias = Literal["class", "age", "sex"]


class ClassAccuracy(Result):
    """Accuracy on the cases of one class, mean over packages; `interval` over subjects, in [0, 1]."""

    label: str
    case_count: int
    interval: Interval


class RegionTest(Result):
    """AUROC within the held-out folds, and whether their mean lies above chance.

    Attributes:
        auroc: mean over folds, with the interval of the corrected resampled t-test, cut at 0 and 1; NaN bounds for
            fewer than three folds.
        by_fold: AUROC within each fold that holds two classes or more.
        left_out: folds of a single class.
        p: one-sided, of a mean at chance or below; None for fewer than three folds or 16 subjects.
        p_holm: the same, Holm-corrected over the regions.
        p_shuffled: of the same from shuffled classes, corrected over the regions; None where none were asked for.
        is_told: whether p_shuffled, or without shuffles p_holm, reaches its level, see `fold_aurocs`.
    """

    auroc: Interval
    by_fold: tuple[float, ...]
    left_out: int
    p: float | None
    p_holm: float | None
    p_shuffled: float | None
    is_told: bool

    @property
    def verdict(self) -> RegionVerdict:
        """In a word."""
        return "told" if self.is_told else "cannot tell"

    @property
    def deciding_p(self) -> float | None:
        """The p that decides."""
        return self.p_holm if self.p_shuffled is None else self.p_shuffled


class VariantScore(Result):
    """How well a probe names the class of held-out cases.

    `test` decides; the rest describes, and its intervals leave out the luck of training.

    Attributes:
        variant: what it saw, a key of VARIANT_TITLES.
        test: AUROC within the folds, and whether it lies above chance.
        accuracy: share of packages whose most probable class is right, averaged over packages; bootstrap over subjects.
        accuracy_std: standard deviation (N - 1) of the accuracy over packages, as in the paper; None for one package.
        auroc: area under the ROC curve of the mean probability of a case over its packages, all folds together, mean
            over classes (each against the others); bootstrap over subjects, within classes.
        auroc_std: standard deviation (N - 1) of the AUROC over packages; None for one package.
        by_class: accuracy on each class.
        roc: curve of the mean probabilities of the cases, all rounds together; None where all cases have one class.
        confusion: (K, K) cases by true class (rows) and by the class of the highest mean probability (columns).
    """

    variant: str
    test: RegionTest
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
    """AUROC of one variant minus that of another within the same folds.

    Attributes:
        seen: the variant that is subtracted.
        left: the other one.
        difference: mean over folds, with the interval of the corrected resampled t-test.
        p: two-sided, of no difference; None for fewer than three folds.
        p_holm: the same, Holm-corrected over the differences of an evaluation.
        verdict: what it says.
    """

    seen: str
    left: str
    difference: Interval
    p: float | None
    p_holm: float | None
    verdict: FallVerdict


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
        fold_count: folds of the cross-validation.
        chance_std: standard deviation of the mean AUROC within folds where nothing tells the class.
        matters: smallest AUROC above chance, and smallest difference of AUROCs, that matters.
        shuffles: times that the classes were shuffled and all probes trained anew.
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
    fold_count: int
    chance_std: float
    matters: float
    shuffles: int
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

    @property
    def verdict(self) -> RegionVerdict:
        """Whether any region tells the class."""
        return "told" if any(score.test.is_told for score in self.variants) else "cannot tell"

    @property
    def joint_p(self) -> float | None:
        """Of no region telling the class: the smallest of the p that are corrected over the regions."""
        return min((p for score in self.variants if (p := score.test.deciding_p) is not None), default=None)

    @property
    def chance_band(self) -> tuple[float, float]:
        """Chance ± 2 standard deviations, cut at 0 and 1: where the AUROC of so few subjects lies by chance alone."""
        return max(CHANCE - 2 * self.chance_std, 0.0), min(CHANCE + 2 * self.chance_std, 1.0)

    def find_variant(self, variant: str) -> VariantScore | None:
        """The scores of a variant; None where it was not tried."""
        return next((score for score in self.variants if score.variant == variant), None)

    def find_fall(self, seen: str, left: str) -> AurocFall | None:
        """The AUROC of `left` minus that of `seen`; None where one was not tried."""
        return next((fall for fall in self.falls if (fall.seen, fall.left) == (seen, left)), None)
