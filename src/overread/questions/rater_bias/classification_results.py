"""What a source classifier finds: how often it knows who drew a mask."""

from typing import Literal, TypeAlias

from overread.evaluation.results import Estimate
from overread.evaluation.roc import RocCurve
from overread.evaluation.verdict import AUROC_THAT_MATTERS, Verdict, judge
from overread.records import Result

Origin: TypeAlias = Literal["annotation", "prediction"]
"""Masks that a source drew, or held-out predictions of the network trained on them, which count as the source's."""

ORIGINS: tuple[Origin, ...] = ("annotation", "prediction")

HIT_COLUMNS = ("fold", "case_id", "subject_id", "source", "origin", "shuffled", "patch_count", "hit_count")
"""Columns of the per-case table `hits.csv`: one row per held-out case, source, origin and kind of training.

`shuffled` is True for the baseline, whose classifier learnt from sources that were permuted per case. `hit_count` of
the `patch_count` patches were most likely drawn by `source`, as the classifier says.
"""


Recognition: TypeAlias = Literal["told", "cannot tell"]
"""Whether a classifier tells the sources apart. That it cannot is never shown: a better one might."""

HIT_RATE_THAT_MATTERS = AUROC_THAT_MATTERS
"""Smallest difference of hit rates that matters."""

SIGNIFICANCE = 0.025
"""One-sided p of a hit rate at or below chance, at which it is taken to lie above."""


class HitRate(Result):
    """Share of patches whose source is found, over the held-out cases; sources count equally in a case.

    Attributes:
        origin: of the masks.
        shuffled: whether the classifier is that of the shuffled baseline.
        interval: mean over folds of the mean over subjects, with an interval from how the folds, whose classifiers are
            trained apart, differ.
        p_above: one-sided p of a true value at or below chance; None where there is no valid interval.
        std: sample standard deviation (N - 1) over cases, None for fewer than two.
        case_count: cases that it is taken over.
        patch_count: patches in all of them.
        by_source: the mean over the cases of each source alone.
    """

    origin: Origin
    shuffled: bool
    interval: Estimate
    p_above: float | None
    std: float | None
    case_count: int
    patch_count: int
    by_source: dict[str, float]

    @property
    def is_above_chance(self) -> bool:
        """Whether the sources are recognised more often than by chance."""
        return self.p_above is not None and self.p_above <= SIGNIFICANCE


class SourceClassification(Result):
    """Everything that the report says about the source classifier.

    Attributes:
        study: name of the study.
        target: the structure outlined.
        sources: the sources to tell apart.
        chance: hit rate of guessing, 1 over the number of sources.
        chance_band: hit rates of annotations, lowest and highest, that chance alone gives for so many subjects and
            folds, within two standard deviations; None without a classifier of the baseline.
        patch_size: voxels along each spatial axis.
        patches_per_case: patches of each mask.
        fold_count: classifiers that were trained, and as many of the baseline.
        hit_rates: annotations and predictions, each with the real and with the shuffled classifier; an origin without
            an outlined mask has none.
        growth: hit rate of predictions minus that of annotations, by the same classifiers, over the cases that have
            both; None where there is none.
        rocs: of the real classifier, one per origin; none where all masks are of one source.
        skipped_cases: per label set, the held-out cases whose mask is missing or empty.
        matters: smallest difference of hit rates that matters.
    """

    study: str
    target: str
    sources: tuple[str, ...]
    chance: float
    chance_band: tuple[float, float] | None
    patch_size: tuple[int, ...]
    patches_per_case: int
    fold_count: int
    hit_rates: tuple[HitRate, ...]
    growth: Estimate | None
    rocs: dict[Origin, RocCurve]
    skipped_cases: dict[str, tuple[str, ...]]
    matters: float = HIT_RATE_THAT_MATTERS

    def find_hit_rate(self, origin: Origin, *, shuffled: bool = False) -> HitRate | None:
        """The hit rate of an origin, None where there is no outlined mask of it."""
        found = (rate for rate in self.hit_rates if rate.origin == origin and rate.shuffled == shuffled)
        return next(found, None)

    @property
    def verdict(self) -> Recognition:
        """Whether the sources are told apart by their annotations, and not by the shuffled baseline as well."""
        rate, control = self.find_hit_rate("annotation"), self.find_hit_rate("annotation", shuffled=True)
        is_told = rate is not None and rate.is_above_chance and not (control is not None and control.is_above_chance)
        return "told" if is_told else "cannot tell"

    @property
    def growth_verdict(self) -> Verdict:
        """Whether the networks' predictions are recognised more surely: "yes", or "the wrong way round" if less."""
        return "cannot tell" if self.growth is None else judge(self.growth, matters=self.matters)
