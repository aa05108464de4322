"""The tables of the report of `label-noise`: numbers as text, ready to be laid out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from overread.labels.variant_record import CONTROL, LabelVariant
from overread.questions.label_noise.results import Finding, LabelNoiseEvaluation, NoiseCell
from overread.questions.label_noise.verdicts import RULES
from overread.report.formatting import ABSENT, NO_BREAK, format_count, format_dice, format_number, write_interval
from overread.report.palette import shade_cell

if TYPE_CHECKING:
    from overread.questions.label_noise.scores import CaseScores


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
