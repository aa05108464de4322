"""A review list as two tables, `cases.csv` and `regions.csv`."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from overread.questions.relabel.review import CaseReview, RankedRegion, ReviewList

CASES_TABLE = "cases.csv"
REGIONS_TABLE = "regions.csv"
CASE_COLUMNS = (
    "rank",
    "case_id",
    "is_kept",
    "mean_uncertainty",
    "cumulative_uncertainty",
    "disagreement",
    "changed_count",
    "changed_share",
    "region_count",
    "listed_region_count",
)
_AXES = {2: "yx", 3: "xyz"}


def list_region_columns(dimensions: int, load_unit: str) -> tuple[str, ...]:
    """Columns of `regions.csv`; voxel indices count from 0 and both ends belong to the region."""
    box = (f"{end}_{axis}" for axis in _AXES[dimensions] for end in ("first", "last"))
    return (
        "case_id",
        "rank",
        "uncertainty_rank",
        "disagreement_rank",
        *box,
        "voxel_count",
        f"load_{load_unit.replace('²', '2')}",
        "mean_uncertainty",
        "highest_uncertainty",
        "cumulative_uncertainty",
        "changed_share",
        "direction",
    )


def write_review_tables(folder: Path, review: ReviewList, *, dimensions: int, load_unit: str) -> None:
    """Write `cases.csv` and `regions.csv`, rows in the order of the review list, numbers with 6 significant digits.

    An infinite share of changed voxels, that of an empty label that would gain some, is written as `inf`.

    Args:
        folder: gets the tables; it is made.
        review: the review list.
        dimensions: spatial axes of the study.
        load_unit: unit of the regions' loads, see `StudySettings.load_unit`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cases = (_list_case(rank, case) for rank, case in enumerate(review.cases, 1))
    _write(folder / CASES_TABLE, CASE_COLUMNS, cases)
    _write(folder / REGIONS_TABLE, list_region_columns(dimensions, load_unit), map(_list_region, review.regions))


def _list_case(rank: int, case: CaseReview) -> list[object]:
    return [
        rank,
        case.case_id,
        "true" if case.is_kept else "false",
        _format(case.mean_uncertainty),
        _format(case.cumulative_uncertainty),
        _format(case.disagreement),
        case.changed_count,
        _format(case.changed_share),
        case.regions.count,
        len(case.regions.listed),
    ]


def _list_region(ranked: RankedRegion) -> list[object]:
    region = ranked.region
    ends = zip(region.first_index, region.last_index, strict=True)
    return [
        ranked.case_id,
        ranked.rank,
        ranked.uncertainty_rank,
        ranked.disagreement_rank,
        *(index for pair in ends for index in pair),
        region.voxel_count,
        _format(region.load),
        _format(region.mean_uncertainty),
        _format(region.highest_uncertainty),
        _format(region.cumulative_uncertainty),
        _format(region.changed_share),
        region.direction,
    ]


def _format(value: float) -> str:
    return f"{value:.6g}"


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
