"""What a source classifier finds: how often it knows who drew a mask."""

from typing import Literal, TypeAlias

from overread.evaluation.results import Interval
from overread.evaluation.roc import RocCurve
from overread.records import Result

Origin: TypeAlias = Literal["annotation", "prediction"]
"""Masks that a source drew, or held-out predictions of the network trained on them, which count as the source's."""

ORIGINS: tuple[Origin, ...] = ("annotation", "prediction")

HIT_COLUMNS = ("fold", "case_id", "subject_id", "source", "origin", "shuffled", "patch_count", "hit_count")
"""Columns of the per-case table `hits.csv`: one row per held-out case, source, origin and kind of training.

`shuffled` is True for the baseline, whose classifier learnt from sources that were permuted per case. `hit_count` of
the `patch_count` patches were most likely drawn by `source`, as the classifier says.
"""


class HitRate(Result):
    """Share of patches whose source is found, per case, over the held-out cases; sources count equally in a case.

    Attributes:
        origin: of the masks.
        shuffled: whether the classifier is that of the shuffled baseline.
        interval: mean over cases with its bootstrap interval over subjects.
        std: sample standard deviation (N - 1) over cases, None for fewer than two.
        case_count: cases that it is taken over.
        patch_count: patches in all of them.
        by_source: the mean over the cases of each source alone.
    """

    origin: Origin
    shuffled: bool
    interval: Interval
    std: float | None
    case_count: int
    patch_count: int
    by_source: dict[str, float]


class SourceClassification(Result):
    """Everything that the report says about the source classifier.

    Attributes:
        study: name of the study.
        target: the structure outlined.
        sources: the sources to tell apart.
        chance: hit rate of guessing, 1 over the number of sources.
        patch_size: voxels along each spatial axis.
        patches_per_case: patches of each mask.
        fold_count: classifiers that were trained, and as many of the baseline.
        hit_rates: annotations and predictions, each with the real and with the shuffled classifier; an origin without
            an outlined mask has none.
        growth: hit rate of predictions minus that of annotations, per case that has both; None where there is none.
        rocs: of the real classifier, one per origin; none where all masks are of one source.
        skipped_cases: per label set, the held-out cases whose mask is missing or empty.
    """

    study: str
    target: str
    sources: tuple[str, ...]
    chance: float
    patch_size: tuple[int, ...]
    patches_per_case: int
    fold_count: int
    hit_rates: tuple[HitRate, ...]
    growth: Interval | None
    rocs: dict[Origin, RocCurve]
    skipped_cases: dict[str, tuple[str, ...]]

    def find_hit_rate(self, origin: Origin, *, shuffled: bool = False) -> HitRate | None:
        """The hit rate of an origin, None where there is no outlined mask of it."""
        found = (rate for rate in self.hit_rates if rate.origin == origin and rate.shuffled == shuffled)
        return next(found, None)
