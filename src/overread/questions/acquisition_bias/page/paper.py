"""The paper's results, for comparison."""

from overread.report.formatting import ABSENT
from overread.report.table import Table

PAPER_PRESET = "name-that-manufacturer"


def build_paper_table() -> Table:
    """Accuracy and AUROC of the paper, mean ± what it calls variance, and accuracy by class.

    Results section and table 2: head CT of 684 series, 66 of them tested on 4 packages of 3 slices.
    """
    return Table(
        label="The paper's results",
        columns=["Network", "Accuracy", "AUROC", "Siemens", "GE"],
        rows=[
            ["All models, on average", "95 ± 4 %", ABSENT, ABSENT, ABSENT],
            ["Model 1", "98.11 ± 0.65 %", "0.99 ± 0.01", "100 %", "96.21 ± 1.31 %"],
            ["Model 2", "98.86 ± 1.25 %", "0.99 ± 0.01", "100 %", "97.72 ± 2.21 %"],
        ],
        style="dense",
    )
