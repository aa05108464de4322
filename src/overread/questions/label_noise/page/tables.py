"""The tables of the page."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from overread.evaluation.verdict import Verdict
from overread.labels.variant_record import CONTROL, LabelVariant
from overread.questions.label_noise.findings import RULES
from overread.questions.label_noise.results import (
    Finding,
    LabelNoiseEvaluation,
    NoiseCell,
    NoiseSlope,
    name_architecture,
)
from overread.report.formatting import (
    ABSENT,
    NO_BREAK,
    format_confidence,
    format_count,
    format_dice,
    format_interval,
    format_number,
    format_p,
    shorten_digest,
    write_interval,
)
from overread.report.palette import shade_cell
from overread.report.table import Cell, CellContent, Column, Table, fill_figure

if TYPE_CHECKING:
    from overread.questions.label_noise.scores import CaseScores


def build_dice_table(evaluation: LabelNoiseEvaluation) -> Table:
    """Mean held-out Dice: one row per variant, one column per network; darker cells have a higher mean."""
    means = [cell.mean.estimate for cell in evaluation.cells if cell.mean is not None]
    low, high = min(means), max(means)
    return Table(
        label="Held-out Dice of every network on every variant",
        columns=["Labels learnt", *map(name_architecture, evaluation.networks)],
        rows=[
            [
                Cell(variant.name, notes=(f"label Dice {format_dice(variant.achieved_dice)}",)),
                *(
                    _fill_dice(evaluation, evaluation.find_cell(network, variant.name), low, high)
                    for network in evaluation.networks
                ),
            ]
            for variant in evaluation.variants
        ],
        style="results",
    )


def _fill_dice(evaluation: LabelNoiseEvaluation, cell: NoiseCell, low: float, high: float) -> Cell:
    if cell.mean is None:
        return Cell("missing", "figure", _list_reasons(evaluation, cell), mark="missing")
    notes = [write_interval(cell.mean).bounds]
    if cell.loss is not None:
        notes.append(f"loss {format_interval(cell.loss)}")
    elif cell.variant != CONTROL:
        notes.append("loss unknown: no common case")
    notes.append(f"n{NO_BREAK}={NO_BREAK}{cell.case_count}")
    if cell.missing_count:
        planned = cell.training_count + cell.missing_count
        notes.append(f"{cell.missing_count} of {format_count(planned, 'training')} missing")
    strength = (cell.mean.estimate - low) / (high - low) if high > low else 0.0
    return Cell(format_dice(cell.mean.estimate), "figure", tuple(notes), background=shade_cell(strength))


def _list_reasons(evaluation: LabelNoiseEvaluation, cell: NoiseCell) -> tuple[str, ...]:
    of_cell = [entry for entry in evaluation.missing if (entry.network, entry.variant) == (cell.network, cell.variant)]
    return tuple(dict.fromkeys(entry.reason for entry in of_cell)) or ("no prediction",)


def build_decision_table(evaluation: LabelNoiseEvaluation) -> Table:
    """How much every network outlines on every variant, and its Dice at the threshold best on validation cases."""
    return Table(
        label="Decisions",
        columns=[
            "Network",
            "Labels learnt",
            f"Predicted / true {evaluation.load_name}",
            "Loss",
            "Best threshold",
            "Dice there",
            "Loss there",
        ],
        rows=[_fill_decision(cell) for cell in evaluation.cells],
        style="results",
    )


def _fill_decision(cell: NoiseCell) -> list[CellContent]:
    title: list[CellContent] = [name_architecture(cell.network), cell.variant]
    if cell.decision is None:
        return [*title, Cell("missing", span=5)]
    found, absence = cell.decision, ("the control",) if cell.variant == CONTROL else ()
    return [
        *title,
        fill_figure(found.load_ratio),
        fill_figure(cell.loss, *absence),
        Cell(format_number(found.threshold, 2), "figure"),
        fill_figure(found.mean),
        fill_figure(found.loss, *absence),
    ]


def build_test_table(evaluation: LabelNoiseEvaluation) -> Table:
    """Spread of every cell, and the test of its loss."""
    return Table(
        label="Tests and spread",
        columns=[
            "Network",
            "Labels learnt",
            Column("Mean Dice", "number"),
            Column("Std, cases", "number"),
            Column("Std, repeats", "number"),
            Column("n", "number"),
            f"Loss ({format_confidence(evaluation.confidence)} interval)",
            Column("n", "number"),
            "p of the loss",
            "after Holm",
            "Verdict",
            Column("Networks", "number"),
        ],
        rows=[_fill_test(cell) for cell in evaluation.cells],
        style="dense results",
    )


_LOSS_VERDICTS: Mapping[Verdict, str] = {
    "yes": "costs Dice",
    "the wrong way round": "gains Dice",
    "no difference that matters": "no difference that matters",
    "cannot tell": "cannot tell",
    "learnt too little": "learnt too little",
}


def _fill_test(cell: NoiseCell) -> list[CellContent]:
    test: list[CellContent] = [
        format_interval(cell.loss),
        str(cell.loss_case_count),
        format_p(cell.loss.p_value if cell.loss else None),
        format_p(cell.loss_p_holm),
        _LOSS_VERDICTS[cell.verdict] if cell.verdict else ABSENT,
    ]
    planned = f" of {cell.training_count + cell.missing_count}" if cell.missing_count else ""
    return [
        name_architecture(cell.network),
        cell.variant,
        format_dice(cell.mean.estimate if cell.mean else None),
        format_dice(cell.std),
        format_dice(cell.repeat_std),
        str(cell.case_count),
        *(test if cell.variant != CONTROL else [Cell("the control", span=5)]),
        f"{cell.training_count}{planned}",
    ]


def build_skill_table(evaluation: LabelNoiseEvaluation) -> Table:
    """What the networks of each architecture learnt from clean labels, next to a mask that ignores the image."""
    return Table(
        label="Skill of the networks that learnt clean labels",
        columns=[
            "Network",
            Column("Dice with clean labels", "number"),
            Column("Dice of a guess", "number"),
            Column("Skill", "number"),
            Column("Least skill", "number"),
            "Verdict",
        ],
        rows=[
            [
                name_architecture(network),
                format_dice(skill.own),
                format_dice(skill.guess),
                format_number(skill.value, 2),
                format_number(skill.limit, 2),
                "learnt" if skill.has_learnt else "learnt too little",
            ]
            for network, skill in evaluation.skills.items()
        ],
        empty="No network learnt the clean labels.",
    )


def build_slope_table(evaluation: LabelNoiseEvaluation) -> Table | None:
    """One row per network and, where there are several, one for all of them; one column per kind of error."""
    modes = tuple(dict.fromkeys(slope.mode for slope in evaluation.slopes))
    several = len(evaluation.networks) > 1
    rows: dict[str, list[NoiseSlope]] = {}
    for slope in [*evaluation.slopes, *(slope for slope in evaluation.pooled_slopes if several)]:
        if slope.mode in modes:
            rows.setdefault(slope.network, []).append(slope)
    if not rows:
        return None
    best = [slope for slope in evaluation.best_threshold_slopes if slope.mode in modes]
    whose = "all networks" if several else name_architecture(evaluation.networks[0])
    lines = [(_name_network(evaluation, network), slopes) for network, slopes in rows.items()]
    return Table(
        label="Slopes",
        columns=["Slope", *modes],
        rows=[[title, *map(_fill_slope, slopes)] for title, slopes in (*lines, (f"{whose}, best thresholds", best))],
    )


def _fill_slope(slope: NoiseSlope) -> Cell:
    if slope.slope is None:
        return fill_figure(None, "too few levels")
    support = f"{format_count(len(slope.variants), 'level')}, n{NO_BREAK}={NO_BREAK}{slope.case_count}"
    return fill_figure(slope.slope, support)


def _name_network(evaluation: LabelNoiseEvaluation, network: str) -> str:
    return name_architecture(network) if network in evaluation.networks else "all networks"


def group_findings(evaluation: LabelNoiseEvaluation) -> list[tuple[Finding, str, Table]]:
    """The findings by their claim: that over all networks, the rule of its verdict, and one row for each of them."""
    groups: dict[str, list[Finding]] = {}
    for finding in evaluation.findings:
        groups.setdefault(finding.key, []).append(finding)
    return [
        (found[0], RULES[key].format(matters=f"{evaluation.matters:g}"), _build_finding_table(evaluation, found))
        for key, found in groups.items()
    ]


def _build_finding_table(evaluation: LabelNoiseEvaluation, findings: Sequence[Finding]) -> Table:
    return Table(
        label=findings[0].claim,
        columns=["Network", "Verdict", "Evidence"],
        rows=[
            [
                _name_compared(evaluation, finding),
                Cell(finding.verdict, "verdict", mark=finding.verdict.replace(" ", "-")),
                finding.evidence,
            ]
            for finding in findings
        ],
        style="findings",
    )


def _name_compared(evaluation: LabelNoiseEvaluation, finding: Finding) -> str:
    if finding.key != "unet_resists_choppy":
        return _name_network(evaluation, finding.network)
    known = finding.network in evaluation.networks
    return f"U-Net against {name_architecture(finding.network) if known else 'all others'}"


def build_variant_table(evaluation: LabelNoiseEvaluation) -> Table:
    """The imperfect labels with what was aimed at and what was reached."""
    return Table(
        label="Variants of the labels",
        columns=[
            "Labels",
            "Errors",
            Column("Label Dice aimed at", "number"),
            Column("achieved, mean" if evaluation.redraw == "never" else "expected", "number"),
            "smallest to largest",
            "Strength",
            "Digest of the masks",
        ],
        rows=[
            [
                variant.name,
                "none" if variant.mode == CONTROL else variant.mode,
                format_number(variant.target_dice, 2),
                format_dice(variant.achieved_dice),
                describe_range(variant),
                describe_strength(variant),
                _show_digest(evaluation, variant),
            ]
            for variant in evaluation.variants
        ],
    )


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


def _show_digest(evaluation: LabelNoiseEvaluation, variant: LabelVariant) -> CellContent:
    if variant.digest:
        return Cell(shorten_digest(variant.digest), "code")
    return "drawn anew" if evaluation.redraw == "every_epoch" and variant.mode != CONTROL else ABSENT


def build_missing_table(evaluation: LabelNoiseEvaluation) -> Table:
    """The trainings that gave no network."""
    return Table(
        label="Failed trainings",
        columns=["Network", "Labels learnt", Column("Fold", "number"), Column("Repeat", "number"), "Reason"],
        rows=[
            [name_architecture(one.network), one.variant, str(one.fold), str(one.repeat), one.reason]
            for one in evaluation.missing
        ],
    )


def build_incomplete_table(evaluation: LabelNoiseEvaluation, scores: "CaseScores") -> Table:
    """Networks and variants that lack predictions of cases with a clean mask."""
    unlabelled = set(evaluation.unlabelled_cases)
    rows: list[list[CellContent]] = []
    for cell in evaluation.cells:
        predicted = set(scores.select(cell.network, cell.variant).index)
        lacking = tuple(case for case in evaluation.case_ids if case not in predicted and case not in unlabelled)
        if lacking:
            rows.append([name_architecture(cell.network), cell.variant, Cell(kind="cases", case_ids=lacking)])
    return Table(
        label="Cases without a prediction",
        columns=["Network", "Labels learnt", "Cases"],
        rows=rows,
        caption="Cases with a clean mask that no network of a cell predicted",
    )
