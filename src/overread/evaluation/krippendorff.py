"""Krippendorff's alpha of masks, voxel by voxel."""

from collections.abc import Iterable, Sequence

import numpy as np

from overread.errors import InputError
from overread.evaluation.grid import check_same_grid, crop_to_foreground
from overread.evaluation.results import Interval
from overread.records import Result
from overread.types import Mask

_RESAMPLES = 10_000


class Coincidences(Result):
    """How often two values meet in a voxel, in one case or added up over several (Krippendorff 2011, step 2).

    In a voxel that m raters have judged, each ordered pair of them counts 1 / (m - 1), so that a voxel weighs as much
    as it has raters.

    Attributes:
        background: pairs of background and background, o_00.
        mixed: pairs of background and foreground, o_01, which equals o_10.
        foreground: pairs of foreground and foreground, o_11.
    """

    background: float
    mixed: float
    foreground: float

    @property
    def alpha(self) -> float | None:
        """Alpha of nominal values, 1 - (n - 1) o_01 / (n_0 n_1), at most 1; None where all values are the same.

        n_0 = o_00 + o_01 and n_1 = o_11 + o_01 count the values, n = n_0 + n_1. 0 is what chance gives.
        """
        zeros, ones = self.background + self.mixed, self.foreground + self.mixed
        if not zeros or not ones:
            return None
        return 1 - (zeros + ones - 1) * self.mixed / (zeros * ones)


class AlphaOfMasks(Result):
    """Krippendorff's alpha of masks over cases.

    Attributes:
        alpha: over all voxels of all cases, with a percentile bootstrap interval over subjects (bounds NaN for a single
            subject); None where all voxels have the same value.
        case_count: cases that at least two raters have labelled, which alpha is taken over.
        left_out: cases with fewer.
    """

    alpha: Interval | None
    case_count: int
    left_out: int


def count_coincidences(masks: Sequence[Mask]) -> Coincidences:
    """Count how often values meet in the voxels of one case.

    Args:
        masks: each (*S), on one grid; of those raters who have labelled the case, at least two.

    Raises:
        InputError: there are fewer than two, the shapes differ, or a mask is not of type bool.
    """
    if len(masks) < 2:
        raise InputError("coincidences need the masks of two raters or more", found=len(masks))
    check_same_grid(masks)
    raters = len(masks)
    cropped = crop_to_foreground(masks)
    votes = np.bincount(np.sum(cropped, axis=0, dtype=np.int64).ravel(), minlength=raters + 1).astype(np.float64)
    votes[0] += masks[0].size - cropped[0].size
    ones = np.arange(raters + 1)
    zeros = raters - ones
    return Coincidences(
        background=float((votes * zeros * (zeros - 1)).sum() / (raters - 1)),
        mixed=float((votes * zeros * ones).sum() / (raters - 1)),
        foreground=float((votes * ones * (ones - 1)).sum() / (raters - 1)),
    )


def pool_coincidences(counts: Iterable[Coincidences]) -> Coincidences:
    """Add up the coincidences of several cases."""
    rows = list(counts)
    return Coincidences(
        background=sum(row.background for row in rows),
        mixed=sum(row.mixed for row in rows),
        foreground=sum(row.foreground for row in rows),
    )


def measure_alpha(
    cases: Sequence[Coincidences | None], subjects: Sequence[str], *, seed: int = 0, confidence: float = 0.95
) -> AlphaOfMasks:
    """Krippendorff's alpha of masks: nominal values, voxels as units, raters missing in any case.

    Background counts, corrected for chance: as empty space is added, alpha of two raters tends to their Dice over all
    cases together.

    Args:
        cases: (N,) what `count_coincidences` returns; None where fewer than two raters have labelled the case.
        subjects: (N,) subject of each case. Subjects are drawn with replacement for the interval, because neither
            voxels nor cases of a subject are independent; it leaves out the choice of raters.
        seed: of the bootstrap.
        confidence: two-sided coverage aimed at, in (0, 1).

    Raises:
        InputError: there is not one subject per case.
    """
    if len(cases) != len(subjects):
        raise InputError("alpha needs one subject per case", found=f"{len(cases)} cases and {len(subjects)} subjects")
    known = [(case, subject) for case, subject in zip(cases, subjects, strict=True) if case is not None]
    alpha = pool_coincidences(case for case, _ in known).alpha
    interval = None
    if alpha is not None:
        low, high = _bootstrap(known, seed=seed, confidence=confidence)
        interval = Interval(estimate=alpha, low=low, high=high, confidence=confidence)
    return AlphaOfMasks(alpha=interval, case_count=len(known), left_out=len(cases) - len(known))


def _bootstrap(known: Sequence[tuple[Coincidences, str]], *, seed: int, confidence: float) -> tuple[float, float]:
    """Percentiles of alpha over drawn subjects; resamples in which alpha is undefined are left out."""
    names = sorted({subject for _, subject in known})
    if len(names) == 1:
        return float("nan"), float("nan")
    pooled = [pool_coincidences(case for case, subject in known if subject == name) for name in names]
    table = np.array([(one.background, one.mixed, one.foreground) for one in pooled])
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=_RESAMPLES)
    background, mixed, foreground = (draws @ table).T
    zeros, ones = background + mixed, foreground + mixed
    defined = (zeros > 0) & (ones > 0)
    alphas = 1 - (zeros + ones - 1)[defined] * mixed[defined] / (zeros * ones)[defined]
    low, high = np.quantile(alphas, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
