"""The tables of the review list on its page."""

import math
from collections.abc import Collection, Sequence

from overread.labels.relabel_rules.change import Flip, LeaveAlone
from overread.labels.relabel_rules.rule import SettledRule
from overread.questions.relabel.review import CaseReview, RankedRegion
from overread.report.formatting import format_load, format_number, format_percent
from overread.report.table import Cell, CellContent, Column, Table


def build_case_table(cases: Sequence[CaseReview], *, shown_ranks: Collection[int]) -> Table:
    """All cases in order.

    Args:
        cases: in the order in which to look at them.
        shown_ranks: places, from 1, of the cases that have a part of their own on the page, with the id `case-<place>`.
    """
    return Table(
        label="All cases in order",
        columns=[
            Column("Rank", "number"),
            "Case",
            "What was done",
            Column("Mean uncertainty", "number"),
            Column("Disagreement", "number"),
            "Changed, of the label",
            Column("Regions (listed)", "number"),
        ],
        rows=[_describe_case(case, rank, is_shown=rank in shown_ranks) for rank, case in enumerate(cases, 1)],
        style="dense",
        heading=1,
    )


def _describe_case(case: CaseReview, rank: int, *, is_shown: bool) -> list[CellContent]:
    return [
        str(rank),
        Cell(case.case_id, anchor=f"case-{rank}" if is_shown else ""),
        write_state(case),
        format_number(case.mean_uncertainty, 3),
        format_number(case.disagreement, 3),
        write_changed_share(case),
        f"{case.regions.count} ({len(case.regions.listed)})",
    ]


def write_state(case: CaseReview) -> str:
    """Say what was done with the label of a case."""
    if case.is_kept:
        return "left alone"
    return "relabelled" if case.changed_count else "no change"


def word_change(settled: SettledRule, length_unit: str) -> str:
    """Say where labels were changed, as the end of a sentence that begins with "A label was changed"."""
    change = settled.change
    if isinstance(change, LeaveAlone):
        return "nowhere"
    if isinstance(change, Flip):
        also = " and its mean prediction contradicts the label" if change.which == "contradicted" else ""
        return f"where a network was uncertain (above {format_number(change.threshold, 3)} of at most 0.25){also}"
    reach = "" if change.reach is None else f" within {change.reach:g} {length_unit} of the label's outline"
    added = "is added" if change.how == "grow" else "decides"
    return f"where a mean prediction above {change.level:g} {added}{reach}"


def write_changed_share(case: CaseReview) -> str:
    """Write how much of the label the proposed label changes."""
    return "the label is empty" if math.isinf(case.changed_share) else format_percent(case.changed_share)


def build_region_table(case_id: str, regions: Sequence[RankedRegion], *, axes: Sequence[str], load_unit: str) -> Table:
    """The listed regions of a case.

    Args:
        case_id: the case.
        regions: by rank.
        axes: names of the axes of the stored array.
        load_unit: of the regions' loads.
    """
    return Table(
        label=f"Regions of case {case_id}",
        columns=[
            Column("Region", "number"),
            "Change",
            Column(f"Load ({load_unit})", "number"),
            Column("Voxels", "number"),
            Column("Uncertainty, mean (highest)", "number"),
            Column("Of it changed", "number"),
            Column("Rank by uncertainty", "number"),
            Column("Rank by change", "number"),
            "Voxel indices",
        ],
        rows=[_describe_region(ranked, axes) for ranked in regions],
        style="dense",
    )


def _describe_region(ranked: RankedRegion, axes: Sequence[str]) -> list[CellContent]:
    region = ranked.region
    return [
        str(ranked.rank),
        region.direction,
        format_load(region.load),
        format_number(region.voxel_count, 0),
        f"{format_number(region.mean_uncertainty, 3)} ({format_number(region.highest_uncertainty, 3)})",
        format_percent(region.changed_share),
        str(ranked.uncertainty_rank),
        str(ranked.disagreement_rank),
        Cell(_write_box(ranked, axes), mark="box"),
    ]


def _write_box(ranked: RankedRegion, axes: Sequence[str]) -> str:
    """Write the voxel indices of a region along each axis: "X 10–14, Y 3–7, Z 5"."""
    ends = zip(axes, ranked.region.first_index, ranked.region.last_index, strict=True)
    return ", ".join(f"{axis} {first}" if first == last else f"{axis} {first}–{last}" for axis, first, last in ends)
