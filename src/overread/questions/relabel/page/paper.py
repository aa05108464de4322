"""The paper's results, for comparison."""

from dataclasses import dataclass

from overread.report.formatting import format_dice
from overread.report.table import Cell, CellContent, Table

PAPER_PRESET = "redekop2021"
PAPER_NOISES = ("3 vertices", "7 vertices", "smooth")


@dataclass(frozen=True)
class PaperTable:
    """Dice of one of the paper's two datasets.

    Attributes:
        dataset: which one.
        clean: D_clean of the network that learnt clean labels.
        rows: D_clean and D_noisy by correction, in the order of PAPER_NOISES.
    """

    dataset: str
    clean: float
    rows: dict[str, tuple[tuple[float, float], ...]]


PAPER_TABLES = (
    PaperTable(
        "Skin lesions, dermatoscopy",
        0.825,
        {
            "No correction": ((0.579, 0.652), (0.783, 0.802), (0.787, 0.806)),
            "Reweighting": ((0.795, 0.554), (0.807, 0.798), (0.803, 0.793)),
            "Relabelling": ((0.794, 0.493), (0.805, 0.797), (0.815, 0.804)),
        },
    ),
    PaperTable(
        "Liver, CT",
        0.944,
        {
            "No correction": ((0.615, 0.695), (0.853, 0.862), (0.851, 0.863)),
            "Reweighting": ((0.846, 0.621), (0.872, 0.859), (0.872, 0.861)),
            "Relabelling": ((0.722, 0.633), (0.880, 0.871), (0.876, 0.856)),
        },
    ),
)
"""The paper gives percent."""


def build_paper_tables() -> tuple[Table, ...]:
    """D_clean and D_noisy of the paper, one table per dataset."""
    return tuple(
        Table(
            label=f"The paper's table: {paper.dataset}",
            columns=["What was done", *PAPER_NOISES],
            rows=_list_rows(paper),
            caption=paper.dataset,
            style="dense",
        )
        for paper in PAPER_TABLES
    )


def _list_rows(paper: PaperTable) -> list[list[CellContent]]:
    rows: list[list[CellContent]] = [["Clean labels", Cell(format_dice(paper.clean), span=len(PAPER_NOISES))]]
    for name, cells in paper.rows.items():
        rows.append([name, *(f"{format_dice(clean)} / {format_dice(noisy)}" for clean, noisy in cells)])
    return rows
