"""The paper's results, for comparison."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from overread.labels.variant_record import CONTROL
from overread.report.formatting import format_number
from overread.report.table import Column, Table

PAPER_PRESET = "heller2018"
PAPER_NETWORKS = ("U-Net", "SegNet", "FCN-32")
PAPER_DICE: Mapping[str, tuple[float, float, float]] = {
    CONTROL: (0.9134, 0.8993, 0.8870),
    "natural-0.95": (0.8880, 0.8640, 0.8587),
    "natural-0.90": (0.8193, 0.8265, 0.8250),
    "natural-0.85": (0.7521, 0.7717, 0.7581),
    "choppy-0.95": (0.8928, 0.8799, 0.8660),
    "choppy-0.90": (0.8321, 0.8268, 0.8202),
    "choppy-0.85": (0.8058, 0.7823, 0.7782),
    "random-0.95": (0.9124, 0.9050, 0.8881),
    "random-0.90": (0.9213, 0.9013, 0.8751),
    "random-0.85": (0.9182, 0.9068, 0.8676),
}
"""Per variant, the mean Dice of the networks in the order of PAPER_NETWORKS."""

_LEVELS = (1.0, 0.95, 0.90, 0.85)


@dataclass(frozen=True)
class PaperSlope:
    """Slopes of the paper's means over their target Dice, one per network; it has no values per case for intervals."""

    mode: str
    slopes: tuple[float, ...]


def compute_paper_slopes() -> tuple[PaperSlope, ...]:
    """Fit a line through the control and the three levels of each mode, as for the networks of a study."""
    from overread.questions.label_noise.slopes import fit_slopes

    found = []
    for mode in ("natural", "choppy", "random"):
        rows = [PAPER_DICE[CONTROL], *(PAPER_DICE[f"{mode}-{level:.2f}"] for level in _LEVELS[1:])]
        slopes = fit_slopes(_LEVELS, np.array(rows).T)
        found.append(PaperSlope(mode, tuple(map(float, slopes))))
    return tuple(found)


def build_paper_tables() -> tuple[Table, Table]:
    """The paper's means, and the slopes through them."""
    return (
        Table(
            label="The paper's table",
            columns=["Labels learnt", *_name_columns()],
            rows=[[name, *(format_number(value, 4) for value in values)] for name, values in PAPER_DICE.items()],
            style="dense",
        ),
        Table(
            label="Slopes of the paper's table",
            columns=["Slope", *_name_columns()],
            rows=[[one.mode, *(format_number(slope, 2) for slope in one.slopes)] for one in compute_paper_slopes()],
            style="dense",
        ),
    )


def _name_columns() -> list[Column]:
    return [Column(name, "number") for name in PAPER_NETWORKS]
