"""The tables of Dice and labels, by the names that a reader knows."""

from collections.abc import Mapping
from dataclasses import replace

from overread.evaluation.results import Estimate, Interval
from overread.questions.relabel.results import (
    AS_GIVEN,
    Correction,
    CorrectionCell,
    LabelRepair,
    Outcome,
    RelabelEvaluation,
)
from overread.report.formatting import (
    ABSENT,
    NO_BREAK,
    format_confidence,
    format_dice,
    format_interval,
    format_number,
    format_p,
    format_percent,
    write_interval,
)
from overread.report.palette import shade_cell
from overread.report.table import Cell, CellContent, Column, Table

METHOD_TITLES = {"tta": "test-time augmentation", "mc_dropout": "MC dropout", "ensemble": "deep ensemble"}
CORRECTION_TITLES = {
    "clean": "Clean labels",
    "none": "No correction",
    "reweight": "Reweighting",
    "relabel": "Relabelling",
}
RULE_TITLES = {
    "uncertainty": "uncertainty",
    "clean": "clean labels",
    "fixed": "the user",
}
OUTCOME_MARKS: Mapping[Outcome, str] = {
    "gained": "borne-out",
    "lost": "contradicted",
    "no difference that matters": "borne-out",
    "cannot tell": "undecided",
    "learnt too little": "not-tested",
    "unknown": "not-tested",
}
"""Class of the outcome's badge in the page."""


def name_noise(noise: str) -> str:
    """A kind of labels in a sentence."""
    return "the labels as given" if noise == AS_GIVEN else noise


def name_method(method: str) -> str:
    """A way of estimating uncertainty; its own name where there is no other."""
    return METHOD_TITLES.get(method, method)


def name_training(noise: str, correction: str, method: str) -> str:
    """A way of training: "No correction, polygon-3" or "Relabelling (MC dropout), polygon-3"."""
    title = CORRECTION_TITLES[correction] + (f" ({name_method(method)})" if method else "")
    return f"{title}, {name_noise(noise)}" if noise else title


_CORRECTIONS: tuple[Correction, ...] = ("none", "reweight", "relabel")


def build_pair_table(evaluation: RelabelEvaluation) -> Table:
    """Dice with clean and noisy masks: one row per correction, one column per noise."""
    rows: list[list[CellContent]] = []
    if reference := evaluation.find_cell("", "clean"):
        heading = Cell(CORRECTION_TITLES["clean"], notes=("D_{clean} alone",))
        rows.append([heading, replace(_fill_pair(evaluation, reference), span=len(evaluation.noises))])
    for correction, pairs in list_pairs(evaluation):
        notes = (name_method(evaluation.methods[0]),) if correction == "relabel" else ()
        rows.append([Cell(CORRECTION_TITLES[correction], notes=notes), *pairs])
    return Table(
        label="Dice with clean and noisy masks by correction and noise",
        columns=["What was done", *(name_noise(noise.name) for noise in evaluation.noises)],
        rows=rows,
        style="results",
    )


def list_pairs(evaluation: RelabelEvaluation) -> list[tuple[Correction, list[Cell]]]:
    """One row per correction that was tried, one cell per noise; relabelling with the main method."""
    rows: list[tuple[Correction, list[Cell]]] = []
    for correction in _CORRECTIONS:
        method = evaluation.methods[0] if correction == "relabel" else ""
        cells = [evaluation.find_cell(noise.name, correction, method) for noise in evaluation.noises]
        if any(cells):
            rows.append((correction, [_fill_pair(evaluation, cell) for cell in cells]))
    return rows


def _fill_pair(evaluation: RelabelEvaluation, cell: CorrectionCell | None) -> Cell:
    if cell is None:
        return Cell("not tried", "figure")
    if not cell.case_count:
        return Cell("missing", "figure", _list_reasons(evaluation, cell), mark="missing")
    pairs = [("clean", cell.clean), ("noisy", cell.noisy)]
    notes = [f"{name} {write_interval(interval).bounds}" for name, interval in pairs if interval]
    if cell.correction == "clean" and cell.clean:
        notes = [write_interval(cell.clean).bounds]
    notes += _write_gain(cell)
    notes.append(f"n{NO_BREAK}={NO_BREAK}{cell.case_count}")
    if cell.clean and cell.clean_case_count < cell.case_count:
        notes[-1] += f", {cell.clean_case_count} clean"
    numbers = [format_dice(interval.estimate) if interval else ABSENT for _, interval in pairs]
    return Cell(
        f"{NO_BREAK}/ ".join(numbers) if cell.correction != "clean" else numbers[0],
        "figure",
        tuple(notes),
        background=_shade(evaluation, cell.clean),
    )


def _write_gain(cell: CorrectionCell) -> list[str]:
    if cell.correction in ("clean", "none") or cell.clean is None:
        return []
    if cell.gain is None:
        return ["gain unknown: no common case"]
    return [f"gain {format_interval(cell.gain)}", *([cell.outcome] if cell.outcome else [])]


def _shade(evaluation: RelabelEvaluation, mean: Interval | None) -> str:
    if mean is None:
        return ""
    means = [cell.clean.estimate for cell in evaluation.cells if cell.clean]
    low, high = min(means), max(means)
    return shade_cell((mean.estimate - low) / (high - low) if high > low else 0.0)


def _list_reasons(evaluation: RelabelEvaluation, cell: CorrectionCell) -> tuple[str, ...]:
    key = (cell.noise, cell.correction, cell.method)
    reasons = [entry.reason for entry in evaluation.missing if (entry.noise, entry.correction, entry.method) == key]
    return tuple(dict.fromkeys(reasons)) or ("no prediction",)


def build_test_table(evaluation: RelabelEvaluation) -> Table:
    """Spread, gains and p of every cell."""
    return Table(
        label="Gains, tests and spread",
        columns=[
            "What was done",
            "D_{clean}",
            Column("Std", "number"),
            Column("n", "number"),
            "D_{noisy}",
            Column("n", "number"),
            f"Excess ({format_confidence(evaluation.confidence)} interval)",
            f"Gain of D_{{clean}} ({format_confidence(evaluation.confidence)} interval)",
            Column("Subjects", "number"),
            Column("Detectable", "number"),
            "Corrected p",
            "Outcome",
            "Gain of D_{noisy}",
        ],
        rows=[_fill_test(cell) for cell in evaluation.cells],
        style="dense results",
    )


def _fill_test(cell: CorrectionCell) -> list[CellContent]:
    noisy: list[CellContent] = [format_interval(cell.noisy), str(cell.case_count), format_interval(cell.noisy_excess)]
    gain: list[CellContent] = [
        *_fill_gain(cell.gain),
        format_p(cell.corrected_p),
        Cell(cell.outcome or ABSENT, "verdict", mark=OUTCOME_MARKS[cell.outcome or "unknown"]),
        format_interval(cell.noisy_gain),
    ]
    return [
        name_training(cell.noise, cell.correction, cell.method),
        format_interval(cell.clean),
        format_dice(cell.clean_std),
        str(cell.clean_case_count),
        *(noisy if cell.correction != "clean" else [Cell("learnt no noisy labels", span=3)]),
        *(gain if cell.correction not in ("clean", "none") else [Cell(ABSENT, span=len(gain))]),
    ]


def _fill_gain(gain: Estimate | None) -> list[str]:
    if gain is None:
        return [ABSENT] * 3
    detectable = format_number(gain.smallest_detectable, 3) if gain.is_valid else ABSENT
    return [format_interval(gain), str(gain.subject_count), detectable]


def build_repair_table(evaluation: RelabelEvaluation) -> Table:
    """The labels before and after relabelling."""
    return Table(
        label="Labels before and after relabelling",
        columns=[
            "Labels, uncertainty by",
            "Masks",
            Column("Before", "number"),
            Column("After", "number"),
            "Difference",
            Column("Cases", "number"),
            Column("Better / worse", "number"),
            Column("Changed", "number"),
            Column("Left alone", "number"),
        ],
        rows=[_fill_repair(repair) for repair in evaluation.repairs],
        style="results",
    )


def _fill_repair(repair: LabelRepair) -> list[CellContent]:
    counts = f"{repair.improved_count} / {repair.worsened_count}"
    return [
        Cell(name_noise(repair.noise), notes=(name_method(repair.method),)),
        "new source" if repair.labels == "source" else "training",
        format_dice(repair.before.estimate if repair.before else None),
        format_dice(repair.after.estimate if repair.after else None),
        format_interval(repair.gain),
        str(repair.case_count),
        counts if repair.clean_case_count else ABSENT,
        ABSENT if repair.changed_share is None else format_percent(repair.changed_share),
        str(repair.kept_count),
    ]


def build_missing_table(evaluation: RelabelEvaluation) -> Table:
    """The trainings that gave no network."""
    return Table(
        label="Failed trainings",
        columns=["What was to be done", Column("Fold", "number"), Column("Repeat", "number"), "Reason"],
        rows=[
            [name_training(one.noise, one.correction, one.method), str(one.fold), str(one.repeat), one.reason]
            for one in evaluation.missing
        ],
    )
