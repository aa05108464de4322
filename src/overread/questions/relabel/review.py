"""A review list: which cases and regions of relabelled masks a human should look at first."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.overlap import compute_dice
from overread.labels.relabelling import RelabelSettings, relabel_case
from overread.questions.relabel.review_regions import FoundRegions, Region, ReviewSettings, find_regions
from overread.types import Mask, Probability, Spacing


@dataclass(frozen=True)
class Proposal:
    """What the rule of relabelling makes of one mask, whatever the limit on change says.

    Attributes:
        mask: (*S) the proposed label.
        changed_count: voxels that differ from the label.
        changed_share: the same as a share of the labelled voxels; infinite for an empty label that gains voxels.
        is_kept: the share is beyond the limit, so the label is left alone.
    """

    mask: Mask
    changed_count: int
    changed_share: float
    is_kept: bool


@dataclass(frozen=True)
class CaseReview:
    """What there is to look at in one case.

    Attributes:
        case_id: the case.
        is_kept: more would change than the limit allows, so the label is left alone.
        mean_uncertainty: over the area in question, which is the label and every voxel above the threshold; in
            [0, 0.25], 0 where there is no such voxel. Unlike the cumulative uncertainty it does not grow with the
            size of the structure, and unlike a mean over a band at the border it counts structures the label lacks.
        cumulative_uncertainty: sum over all voxels.
        disagreement: 1 - Dice of label and proposed label, in [0, 1].
        changed_count: voxels that the proposed label changes.
        changed_share: the same as a share of the labelled voxels; infinite for an empty label that gains voxels.
        regions: what changes or is uncertain, in parts.
    """

    case_id: str
    is_kept: bool
    mean_uncertainty: float
    cumulative_uncertainty: float
    disagreement: float
    changed_count: int
    changed_share: float
    regions: FoundRegions


@dataclass(frozen=True)
class RankedRegion:
    """A listed region with its places.

    Attributes:
        case_id: its case.
        rank: place in its case, from 1, by cumulative uncertainty.
        region: the region.
        uncertainty_rank: place among the listed regions of all cases, from 1, by cumulative uncertainty.
        disagreement_rank: the same by the number of voxels that the proposed label changes.
    """

    case_id: str
    rank: int
    region: Region
    uncertainty_rank: int
    disagreement_rank: int


@dataclass(frozen=True)
class ReviewList:
    """Cases and regions in the order in which to look at them.

    Attributes:
        cases: those left alone first, then all others, each by mean uncertainty, largest first.
        regions: the listed regions of the first case by rank, then those of the second, and so on.
    """

    cases: tuple[CaseReview, ...]
    regions: tuple[RankedRegion, ...]

    def select_regions(self, case_id: str) -> tuple[RankedRegion, ...]:
        """The listed regions of a case, by rank."""
        return tuple(region for region in self.regions if region.case_id == case_id)


def propose_label(
    mask: Mask,
    uncertainty: NDArray[np.float32],
    settings: RelabelSettings,
    *,
    probability: Probability | None = None,
) -> Proposal:
    """Relabel a mask as `relabel_case` does, and keep the result where too much changes as well.

    Args:
        mask: (*S) the label.
        uncertainty: (*S), in [0, 0.25].
        settings: threshold, which uncertain voxels change sides, and the limit on what may change.
        probability: (*S), mean prediction; needed where only contradicted labels are flipped.

    Raises:
        InputError: see `relabel_case`.
    """
    free = settings.model_copy(update={"largest_change": math.inf})
    found = relabel_case(mask, uncertainty, free, probability=probability)
    is_kept = found.changed_share > settings.largest_change
    return Proposal(found.mask, found.changed_count, found.changed_share, is_kept)


def suggest_limit(changed_share: float) -> str:
    """A limit on change, as text for the command line, within which a case that was left alone would be relabelled."""
    return f"{changed_share + 0.01:.2f}"


def review_case(
    case_id: str,
    mask: Mask,
    proposal: Proposal,
    uncertainty: NDArray[np.float32],
    *,
    threshold: float,
    spacing: Spacing,
    settings: ReviewSettings,
) -> CaseReview:
    """Measure what there is to look at in a case.

    Args:
        case_id: the case.
        mask: (*S) the label.
        proposal: what relabelling makes of it.
        uncertainty: (*S), in [0, 0.25].
        threshold: a voxel is uncertain above this.
        spacing: voxel size along each axis.
        settings: which regions are listed.
    """
    in_question = uncertainty[mask | (uncertainty > threshold)]
    return CaseReview(
        case_id=case_id,
        is_kept=proposal.is_kept,
        mean_uncertainty=float(in_question.mean(dtype=np.float64)) if in_question.size else 0.0,
        cumulative_uncertainty=float(uncertainty.sum(dtype=np.float64)),
        disagreement=1 - compute_dice(mask, proposal.mask),
        changed_count=proposal.changed_count,
        changed_share=proposal.changed_share,
        regions=find_regions(mask, proposal.mask, uncertainty, threshold=threshold, spacing=spacing, settings=settings),
    )


def rank_reviews(reviews: Iterable[CaseReview]) -> ReviewList:
    """Put cases and regions in order; equal ones stay in the order in which they come."""
    cases = tuple(sorted(reviews, key=lambda review: (not review.is_kept, -review.mean_uncertainty)))
    regions = [(case.case_id, rank, region) for case in cases for rank, region in enumerate(case.regions.listed, 1)]
    uncertainty_ranks = _rank([region.cumulative_uncertainty for _, _, region in regions])
    disagreement_ranks = _rank([region.changed_count for _, _, region in regions])
    ranks = zip(regions, uncertainty_ranks, disagreement_ranks, strict=True)
    return ReviewList(cases, tuple(RankedRegion(*region, first, second) for region, first, second in ranks))


def _rank(values: list[float] | list[int]) -> list[int]:
    """Place of each value, from 1 for the largest."""
    places = [0] * len(values)
    for place, index in enumerate(sorted(range(len(values)), key=lambda index: -values[index]), 1):
        places[index] = place
    return places
