"""Pictures whose truth, label and prediction are known, for rules of relabelling."""

import numpy as np
from numpy.typing import NDArray

from overread.labels.relabel_rules.change import RuleCase
from overread.labels.relabel_rules.rule import Evidence
from overread.types import Image, Mask


def make_disc(side: int, radius: float) -> Mask:
    """A disc in the middle of a square."""
    rows, columns = np.indices((side, side)) - (side - 1) / 2
    return np.asarray(np.hypot(rows, columns) <= radius, np.bool_)


def make_case(mask: Mask, probability: NDArray[np.float32], spacing: tuple[float, ...] = (1.0, 1.0)) -> RuleCase:
    """A case of a single prediction, whose uncertainty is p (1 - p)."""
    values = probability.astype(np.float32)
    return RuleCase(mask, values * (1 - values), values, spacing)


def make_evidence(
    cases: list[RuleCase], images: list[Image] | None = None, clean: list[Mask] | None = None
) -> Evidence:
    """Evidence of cases that are subjects of their own; the first ones are clean where clean masks are given."""
    names = [f"case{index:02d}" for index in range(len(cases))]
    return Evidence(
        case_ids=names,
        read=lambda name: cases[names.index(name)],
        read_image=lambda name: (images or [])[names.index(name)],
        subject_of={name: name for name in names},
        clean_case_ids=names[: len(clean or [])],
        read_clean=lambda name: (clean or [])[names.index(name)],
    )
