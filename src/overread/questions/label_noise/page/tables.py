"""The rows of the tables, beside the paper's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from overread.labels.perturb.register import MODES
from overread.labels.variant_record import CONTROL, LabelVariant
from overread.questions.label_noise.findings import RULES
from overread.questions.label_noise.results import Finding, LabelNoiseEvaluation, NoiseCell
from overread.report.formatting import ABSENT, NO_BREAK, format_count, format_dice, format_number, write_interval
from overread.report.palette import shade_cell

if TYPE_CHECKING:
    from overread.questions.label_noise.scores import CaseScores

_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito (2008)."""
MODE_COLOURS = dict(zip(MODES, cycle(_COLOURS), strict=False))
MODE_MARKERS = dict(zip(MODES, cycle("os^v"), strict=False))
MODE_MARKS = dict(zip(MODES, cycle(("dot", "square", "triangle", "wedge")), strict=False))
"""Class of the mark in the page's legend."""

_DASHES: tuple[tuple[float, ...], ...] = ((), (6, 2), (2, 2), (6, 2, 2, 2))


@dataclass(frozen=True)
class Series:
    """The variants of one kind of error.

    Attributes:
        name: the variants' name without their target Dice or vertices.
        mode: kind of error.
        variants: best labels first.
        dashes: lengths of dashes and gaps in points, empty for a full line; tells series of one mode apart.
    """

    name: str
    mode: str
    variants: tuple[LabelVariant, ...]
    dashes: tuple[float, ...]

    @property
    def colour(self) -> str:
        """Colour (#rrggbb) of the mode."""
        return MODE_COLOURS[self.mode]

    @property
    def marker(self) -> str:
        """Marker of the mode, as matplotlib names it."""
        return MODE_MARKERS[self.mode]

    @property
    def mark(self) -> str:
        """Class of the mode's mark in the page's legend."""
        return MODE_MARKS[self.mode]

    @property
    def strongest(self) -> LabelVariant:
        """The variant with the lowest label Dice."""
        return self.variants[-1]


def list_series(variants: Sequence[LabelVariant]) -> tuple[Series, ...]:
    """Group variants that differ in their target Dice or vertices alone; by mode, then in their order."""
    groups: dict[str, list[LabelVariant]] = {}
    for variant in variants:
        if variant.mode != CONTROL:
            groups.setdefault(variant.series, []).append(variant)
    return tuple(
        _build(name, groups[name], place)
        for mode in MODE_COLOURS
        for place, name in enumerate(name for name, group in groups.items() if group[0].mode == mode)
    )


def _build(name: str, group: Sequence[LabelVariant], place: int) -> Series:
    ordered = tuple(sorted(group, key=lambda variant: (-variant.achieved_dice, variant.name)))
    return Series(name, group[0].mode, ordered, _DASHES[place % len(_DASHES)])


@dataclass(frozen=True)
class DiceCell:
    """One cell of the table of networks and variants.

    Attributes:
        mean: mean Dice, or "missing".
        notes: interval, loss, number of cases, missing trainings.
        background: shade (#rrggbb), darker for a higher mean; empty where there is none.
    """

    mean: str
    notes: tuple[str, ...]
    background: str


@dataclass(frozen=True)
class FindingGroup:
    """A finding over all networks and for each of them.

    Attributes:
        claim: the paper's finding.
        rule: how its verdict is reached.
        findings: all networks first.
    """

    claim: str
    rule: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class IncompleteCell:
    """A network and variant that did not predict every case with a clean mask."""

    network: str
    variant: str
    case_ids: tuple[str, ...]


def build_dice_rows(evaluation: LabelNoiseEvaluation) -> list[tuple[LabelVariant, list[DiceCell]]]:
    """One row per variant, one cell per network."""
    means = [cell.mean.estimate for cell in evaluation.cells if cell.mean is not None]
    low, high = min(means), max(means)
    return [
        (
            variant,
            [
                _build_cell(evaluation, evaluation.find_cell(network, variant.name), low, high)
                for network in evaluation.networks
            ],
        )
        for variant in evaluation.variants
    ]


def group_findings(evaluation: LabelNoiseEvaluation) -> list[FindingGroup]:
    """The findings by their claim, in their order."""
    groups: dict[str, list[Finding]] = {}
    for finding in evaluation.findings:
        groups.setdefault(finding.key, []).append(finding)
    return [FindingGroup(found[0].claim, RULES[key], tuple(found)) for key, found in groups.items()]


def list_incomplete(evaluation: LabelNoiseEvaluation, scores: "CaseScores") -> list[IncompleteCell]:
    """Networks and variants that lack predictions of cases with a clean mask."""
    unlabelled = set(evaluation.unlabelled_cases)
    found = []
    for cell in evaluation.cells:
        predicted = set(scores.select(cell.network, cell.variant).index)
        lacking = tuple(case for case in evaluation.case_ids if case not in predicted and case not in unlabelled)
        if lacking:
            found.append(IncompleteCell(cell.network, cell.variant, lacking))
    return found


def describe_strength(variant: LabelVariant) -> str:
    """The strength with its unit and meaning: "1.8 px", "8.2 % flipped"."""
    if variant.strength is None:
        return ABSENT
    if variant.strength_unit == "share":
        return f"{format_number(100 * variant.strength, 1)}{NO_BREAK}% flipped"
    return f"{format_number(variant.strength, 2)}{NO_BREAK}{variant.strength_unit or ''}".strip()


def describe_range(variant: LabelVariant) -> str:
    """Smallest and largest Dice of a case with its clean mask."""
    if variant.achieved_range is None:
        return ABSENT
    return " to ".join(map(format_dice, variant.achieved_range))


def _build_cell(evaluation: LabelNoiseEvaluation, cell: NoiseCell, low: float, high: float) -> DiceCell:
    if cell.mean is None:
        return DiceCell("missing", _list_reasons(evaluation, cell), "")
    notes = [write_interval(cell.mean).bounds]
    if cell.loss is not None:
        loss = write_interval(cell.loss)
        notes.append(f"loss {loss.estimate} ({loss.bounds})")
    elif cell.variant != CONTROL:
        notes.append("loss unknown: no common case")
    notes.append(f"n{NO_BREAK}={NO_BREAK}{cell.case_count}")
    if cell.missing_count:
        planned = cell.training_count + cell.missing_count
        notes.append(f"{cell.missing_count} of {format_count(planned, 'training')} missing")
    strength = (cell.mean.estimate - low) / (high - low) if high > low else 0.0
    return DiceCell(format_dice(cell.mean.estimate), tuple(notes), shade_cell(strength))


def _list_reasons(evaluation: LabelNoiseEvaluation, cell: NoiseCell) -> tuple[str, ...]:
    of_cell = [entry for entry in evaluation.missing if (entry.network, entry.variant) == (cell.network, cell.variant)]
    return tuple(dict.fromkeys(entry.reason for entry in of_cell)) or ("no prediction",)


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
