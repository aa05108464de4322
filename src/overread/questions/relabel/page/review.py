"""The review list of relabelled masks as one HTML page."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from overread.inference.uncertainty_maps import UncertaintyMaps
from overread.labels.relabel_rules.change import RuleCase
from overread.labels.relabel_rules.rule import SettledRule
from overread.labels.relabelling import RelabelSettings, relabel_case
from overread.labels.source_cases import read_source_case
from overread.questions.relabel.page.review_tables import (
    build_case_table,
    build_region_table,
    word_change,
    write_changed_share,
    write_state,
)
from overread.questions.relabel.page.review_view import (
    CASE_WIDTH_PX,
    LABEL_COLOUR,
    PROPOSAL_COLOUR,
    REGION_WIDTH_PX,
    UNCERTAINTY_COLOUR,
    ReviewedCase,
    draw_review,
    view_slice,
)
from overread.questions.relabel.review import CaseReview, RankedRegion, ReviewList, suggest_limit
from overread.questions.relabel.review_regions import ReviewSettings, find_questioned
from overread.report.context import RunContext
from overread.report.figures.canvas import Figure
from overread.report.page import render_page, write_page
from overread.report.table import Table
from overread.study.study import Study
from overread.types import Mask

MOST_CASES, MOST_REGIONS, MOST_REGIONS_PER_CASE = 40, 60, 4
"""Pictures of a page: what it shows beyond them it says in numbers."""

_SMALLEST_CASE_VIEW, _SMALLEST_REGION_VIEW = 32, 16
"""Sides in voxels."""


@dataclass(frozen=True)
class RelabelledLabels:
    """What is under review.

    Attributes:
        name: of the new source.
        source: the labels that were relabelled.
        settled: the change, and how it was chosen.
        settings: the change, and the limits on what it may do.
        threshold: a voxel counts as uncertain above this.
        stopped: why no label was changed at all; empty where nothing spoke against it.
        method: how uncertainty was estimated; empty where that is not known.
        unmapped: labelled cases without an uncertainty map, whose labels stay as they are.
        read_maps: reads the uncertainty of a case, (*S) each.
        listing: which regions are listed.
    """

    name: str
    source: str
    settled: SettledRule
    settings: RelabelSettings
    threshold: float
    stopped: str
    method: str
    unmapped: tuple[str, ...]
    read_maps: Callable[[str], UncertaintyMaps]
    listing: ReviewSettings


@dataclass(frozen=True)
class RegionRow:
    """One region of the page.

    Attributes:
        ranked: the region.
        picture: the slice with most of its voxels; None beyond the number of pictures.
        slice_index: index of that slice along array axis Z; None in 2D and without a picture.
    """

    ranked: RankedRegion
    picture: Figure | None = None
    slice_index: int | None = None


@dataclass(frozen=True)
class CaseBlock:
    """One case of the page.

    Attributes:
        rank: place of the case in the list, from 1.
        review: what there is to look at.
        picture: the slice with most change.
        slice_index: index of that slice along array axis Z; None in 2D.
        regions: the listed regions.
        region_table: the same in numbers.
    """

    rank: int
    review: CaseReview
    picture: Figure
    slice_index: int | None
    regions: tuple[RegionRow, ...]
    region_table: Table


def write_review_page(
    path: Path, review: ReviewList, *, study: Study, labels: RelabelledLabels, context: RunContext
) -> None:
    """Write the review list as one HTML file that loads nothing from elsewhere and needs no script.

    The first 40 cases with something to look at have a picture; of their regions the 60 most doubtful have one, at most
    four in a case. Equal inputs give equal bytes. One map is held at a time.

    Args:
        path: the HTML file; its folder is made.
        review: the review list.
        study: where images and labels are read.
        labels: what is under review.
        context: where the labels come from.

    Raises:
        InputError: an image, a label or a map is missing.
    """
    doubtful = [(rank, case) for rank, case in enumerate(review.cases, 1) if case.regions.count]
    pictured = _choose_regions(review, {case.case_id for _, case in doubtful[:MOST_CASES]})
    values = {
        "context": context,
        "study": study.settings,
        "labels": labels,
        "review": review,
        "blocks": [_draw_block(rank, case, review, pictured, study, labels) for rank, case in doubtful[:MOST_CASES]],
        "unshown_count": len(doubtful[MOST_CASES:]),
        "settled_count": len(review.cases) - len(doubtful),
        "changed": [case for case in review.cases if case.changed_count and not case.is_kept],
        "kept": [case for case in review.cases if case.is_kept],
        "pictured_count": len(pictured),
        "most_regions_per_case": MOST_REGIONS_PER_CASE,
        "colours": {"label": LABEL_COLOUR, "proposal": PROPOSAL_COLOUR, "uncertainty": UNCERTAINTY_COLOUR},
        "axes": _name_axes(study),
        "case_table": build_case_table(review.cases, shown_ranks={rank for rank, _ in doubtful[:MOST_CASES]}),
        "infinity": math.inf,
        "word_change": word_change,
        "write_state": write_state,
        "write_changed_share": write_changed_share,
        "suggest_limit": suggest_limit,
    }
    write_page(path, render_page(Path(__file__).with_name("review.html.j2"), values))


def _name_axes(study: Study) -> str:
    return "XYZ" if study.settings.dimensions == 3 else "YX"


def _choose_regions(review: ReviewList, case_ids: set[str]) -> set[int]:
    """Places by uncertainty of the regions that have a picture."""
    candidates = [
        ranked.uncertainty_rank
        for ranked in review.regions
        if ranked.case_id in case_ids and ranked.rank <= MOST_REGIONS_PER_CASE
    ]
    return set(sorted(candidates)[:MOST_REGIONS])


def _draw_block(
    rank: int, review: CaseReview, ranking: ReviewList, pictured: set[int], study: Study, labels: RelabelledLabels
) -> CaseBlock:
    case = _read_case(study, labels, review.case_id)
    questioned = find_questioned(case.label, case.proposal, case.uncertainty, labels.threshold)
    changed = case.label ^ case.proposal
    focus = changed if changed.any() else questioned
    extent = case.label | case.proposal | questioned
    shown = view_slice(case, focus, extent, smallest_side=_SMALLEST_CASE_VIEW)
    title = f"Case {review.case_id}"
    listed = ranking.select_regions(review.case_id)
    return CaseBlock(
        rank=rank,
        review=review,
        picture=draw_review(shown, width_px=CASE_WIDTH_PX, title=title),
        slice_index=shown.view.slice_index,
        regions=tuple(
            _draw_region(case, questioned, ranked, title) if ranked.uncertainty_rank in pictured else RegionRow(ranked)
            for ranked in listed
        ),
        region_table=build_region_table(
            review.case_id, listed, axes=_name_axes(study), load_unit=study.settings.load_unit
        ),
    )


def _draw_region(case: ReviewedCase, questioned: Mask, ranked: RankedRegion, title: str) -> RegionRow:
    inside = np.zeros_like(questioned)
    inside[ranked.region.box] = questioned[ranked.region.box]
    shown = view_slice(case, inside, inside, smallest_side=_SMALLEST_REGION_VIEW)
    picture = draw_review(shown, width_px=REGION_WIDTH_PX, title=f"{title}, region {ranked.rank}")
    return RegionRow(ranked, picture, shown.view.slice_index)


def _read_case(study: Study, labels: RelabelledLabels, case_id: str) -> ReviewedCase:
    given, maps = read_source_case(study, labels.source, case_id), labels.read_maps(case_id)
    case = RuleCase(given.mask, maps.aleatoric, maps.probability, given.spacing)
    return ReviewedCase(
        image=study.read_image(case_id)[0],
        label=given.mask,
        proposal=relabel_case(case, labels.settings).proposal,
        uncertainty=maps.aleatoric,
        spacing=study.read_spacing(case_id),
        affine=study.read_affine(case_id),
    )
