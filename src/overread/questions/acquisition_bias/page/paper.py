"""The results of the paper “Name that manufacturer!”, for comparison."""

from typing import NamedTuple

PAPER_PRESET = "name-that-manufacturer"


class PaperScore(NamedTuple):
    """A row of the paper: accuracy and AUROC, mean ± what the paper calls variance, and accuracy by class, as text."""

    name: str
    accuracy: str
    auroc: str
    siemens: str
    ge: str


PAPER_SCORES = (
    PaperScore("All models, on average", "95 ± 4 %", "–", "–", "–"),
    PaperScore("Model 1", "98.11 ± 0.65 %", "0.99 ± 0.01", "100 %", "96.21 ± 1.31 %"),
    PaperScore("Model 2", "98.86 ± 1.25 %", "0.99 ± 0.01", "100 %", "97.72 ± 2.21 %"),
)
"""Results section and table 2: head CT of 684 series, 66 of them tested on 4 packages of 3 slices."""
