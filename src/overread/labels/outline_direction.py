"""Whether the outlines of a source are drawn inside or outside the edges of the images, and how far.

Outlines are moved outwards and inwards, and the images' gradient along them says where their edges are. No clean label
is needed, but images whose strongest edge near an outline is the border that is meant. Errors to both sides of the
border can pass for outlines that are drawn outside, so that only "grow" is safe to act on without clean cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.labels.edge_profile import Offsets, Profile

OutlineVerdict: TypeAlias = Literal["grow", "leave alone", "shrink", "no edges"]
"""What would bring the outlines to the edges; `leave alone` also where the direction is not sure."""
LEAST_CONTRAST = 0.1
"""Share by which the gradient must fall to both sides of its maximum for edges to be there. In noise it falls less."""
LEAST_AGREEMENT = 0.95
"""Share of resamples that must call the same direction for it to be sure."""
MOST_OPPOSED = 0.05
"""Share of resamples that may call the opposite direction before the images are said to have no such edges."""
CONFIDENCE = 0.95
_RESAMPLES = 2000


@dataclass(frozen=True)
class OutlineDirection:
    """How far the outlines of a source lie from the edges of the images.

    Attributes:
        offsets: (D,) by which outlines were moved, in the study's length unit, outwards if positive.
        profile: (D,) mean over cases of the gradient magnitude along the moved outlines.
        lowest: (D,) lower bound of the profile, from a bootstrap over subjects.
        highest: (D,) upper bound.
        offset: where images are steepest: outlines are drawn inside the edges by so much, outside if negative.
        low: lower bound of the offset, from the same bootstrap; NaN with one subject. It describes these cases.
        high: upper bound.
        agreement: share of resamples whose offset has the same sign; NaN with one subject.
        opposed: share of resamples whose offset has the opposite sign; for offset 0 the rarer of both signs.
        contrast: share by which the gradient falls to both sides of its maximum, 0 where that is at an end of the
            offsets, which is no maximum.
    """

    offsets: Offsets
    profile: Profile
    lowest: Profile
    highest: Profile
    offset: float
    low: float
    high: float
    agreement: float
    opposed: float
    contrast: float

    @property
    def has_edges(self) -> bool:
        """Whether the images have edges along the outlines, as far as these tell."""
        return self.contrast >= LEAST_CONTRAST and not self.opposed > MOST_OPPOSED

    @property
    def verdict(self) -> OutlineVerdict:
        """What would bring the outlines to the edges."""
        if not self.has_edges:
            return "no edges"
        if self.offset == 0 or not self.agreement >= LEAST_AGREEMENT:
            return "leave alone"
        return "grow" if self.offset > 0 else "shrink"


def judge_outlines(
    profiles: Sequence[Profile], subjects: Sequence[str], offsets: Offsets, *, seed: int = 0
) -> OutlineDirection:
    """Find the offset at which the images are steepest, over all cases.

    Args:
        profiles: what `measure_edge_profile` found for each case.
        subjects: the subject of each case; all cases of a subject are resampled together.
        offsets: of the profiles, 0 among them.
        seed: of the resampling.

    Raises:
        InputError: there is no case, or not one subject per case.
    """
    if not len(profiles) or len(profiles) != len(subjects):
        raise InputError(
            "outlines need at least one case and one subject per case",
            found=f"{len(profiles)} cases and {len(subjects)} subjects",
        )
    means = _resample_means(np.stack(profiles), subjects, seed)
    profile = np.mean(profiles, axis=0)
    best = find_steepest(profile, offsets)
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    drawn = np.array([offsets[find_steepest(mean, offsets)] for mean in means])
    low, high = np.quantile(drawn, tails, method="inverted_cdf") if len(drawn) else (np.nan, np.nan)
    lowest, highest = np.quantile(means, tails, axis=0) if len(means) else np.full((2, len(offsets)), np.nan)
    agreement, opposed = _compare_signs(drawn, float(offsets[best]))
    return OutlineDirection(
        offsets=offsets,
        profile=profile,
        lowest=lowest,
        highest=highest,
        offset=float(offsets[best]),
        low=float(low),
        high=float(high),
        agreement=agreement,
        opposed=opposed,
        contrast=measure_contrast(profile, best),
    )


def find_steepest(profile: Profile, offsets: Offsets) -> int:
    """Index of the largest gradient; of equals the one that moves the outline least, inwards before outwards."""
    best = np.flatnonzero(profile == profile.max())
    return int(best[np.argmin(np.abs(offsets[best]))])


def measure_contrast(profile: Profile, best: int) -> float:
    """Share by which a profile falls to both sides of its maximum, at `best`, in [0, 1]: the smaller of the two falls.

    0 at an end, where the edge may lie farther out.
    """
    if best in (0, len(profile) - 1) or not profile[best] > 0:
        return 0.0
    return float(1 - max(profile[:best].min(), profile[best + 1 :].min()) / profile[best])


def _compare_signs(drawn: NDArray[np.float64], offset: float) -> tuple[float, float]:
    """Share of drawn offsets of the sign of `offset`, and of the opposite one."""
    if not len(drawn):
        return float("nan"), float("nan")
    signs = np.sign(drawn)
    agreement = float(np.mean(signs == np.sign(offset)))
    if offset:
        return agreement, float(np.mean(signs == -np.sign(offset)))
    return agreement, float(min(np.mean(signs > 0), np.mean(signs < 0)))


def _resample_means(profiles: NDArray[np.float64], subjects: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Mean profile of the cases of subjects drawn with replacement, (resamples, D); none with a single subject."""
    names, owner = np.unique(np.asarray(subjects), return_inverse=True)
    if len(names) < 2:
        return np.empty((0, profiles.shape[1]))
    sums = np.stack([profiles[owner == subject].sum(axis=0) for subject in range(len(names))])
    share = np.full(len(names), 1 / len(names))
    draws = np.random.default_rng(seed).multinomial(len(names), share, size=_RESAMPLES)
    return np.asarray((draws @ sums) / (draws @ np.bincount(owner))[:, np.newaxis])
