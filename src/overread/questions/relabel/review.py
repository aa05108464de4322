"""A review list: which cases and regions of relabelled masks a human should look at first."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from overread.evaluation.overlap import compute_dice
from overread.labels.relabel_rules.guards import Refusal
from overread.labels.relabelling import RelabelledCase
from overread.questions.relabel.review_regions import FoundRegions, Region, ReviewSettings, find_regions
from overread.types import Mask, Spacing


@dataclass(frozen=True)
class CaseReview:
    """What there is to look at in one case.

    Attributes:
        case_id: the case.
        is_kept: the label is left alone, because a limit refuses the proposed one or the whole repair was stopped.
        mean_uncertainty: over the area in question, which is the label and every voxel above the threshold; in
            [0, 0.25], 0 where there is no such voxel. Unlike the cumulative uncertainty it does not grow with the
            size of the structure, and unlike a mean over a band at the border it counts structures the label lacks.
        cumulative_uncertainty: sum over all voxels.
        disagreement: 1 - Dice of label and proposed label, in [0, 1].
        changed_count: voxels that the proposed label changes.
        changed_share: the same as a share of the labelled voxels; infinite for an empty label that gains voxels.
        regions: what changes or is uncertain, in parts.
        area_ratio: area of the proposed label as a multiple of that of the label; infinite for an empty label that
            gains voxels.
        refusal: which limit refuses the proposed label; empty where none does.
    """

    case_id: str
    is_kept: bool
    mean_uncertainty: float
    cumulative_uncertainty: float
    disagreement: float
    changed_count: int
    changed_share: float
    regions: FoundRegions
    area_ratio: float = 1.0
    refusal: Refusal = ""


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


def suggest_limit(refusal: Refusal, area_ratio: float, changed_share: float) -> str:
    """The option of the command line that would let a refused change pass; empty where none would, as for empty labels.

    Args:
        refusal: which limit refuses it.
        area_ratio: area of the new label as a multiple of that of the given one.
        changed_share: voxels that change, as a share of the given label's.
    """
    if not math.isfinite(area_ratio):
        return ""
    return {
        "": "",
        "empty": "",
        "growth": f"--most-growth {area_ratio + 0.01:.2f}",
        "share of the image": "--most-of-image 1",
        "loss": "--least-area 0",
        "change": f"--largest-change {changed_share + 0.01:.2f}",
    }[refusal]


def review_case(
    case_id: str,
    mask: Mask,
    proposal: RelabelledCase,
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
        disagreement=1 - compute_dice(mask, proposal.proposal),
        changed_count=proposal.changed_count,
        changed_share=proposal.changed_share,
        regions=find_regions(
            mask, proposal.proposal, uncertainty, threshold=threshold, spacing=spacing, settings=settings
        ),
        area_ratio=proposal.area_ratio,
        refusal=proposal.refusal,
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
