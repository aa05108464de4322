"""The tables about networks of mixed labels."""

from dataclasses import dataclass
from typing import TypeAlias

from overread.evaluation.verdict import Verdict
from overread.questions.rater_bias.mixing_results import MixingEvaluation, ReferenceDice
from overread.report.formatting import (
    NO_BREAK,
    format_confidence,
    format_interval,
    format_number,
    format_p,
    write_interval,
)
from overread.report.table import Cell, Column, Table, fill_figure

PaperRow: TypeAlias = tuple[str, float, float, float, float]
"""What was learnt; mean and standard deviation of Dice against source 1, then against source 2."""

PAPER_TABLES: dict[str, tuple[PaperRow, ...]] = {
    "Multiple sclerosis lesions, MRI (table 1)": (
        ("rater 1", 0.82, 0.05, 0.74, 0.08),
        ("rater 2", 0.72, 0.10, 0.82, 0.07),
        ("both, ratio 11/11", 0.80, 0.08, 0.79, 0.09),
        ("both, ratio 5/11", 0.79, 0.06, 0.77, 0.06),
        ("both, ratio 4/11", 0.78, 0.05, 0.77, 0.04),
    ),
    "Intracerebral haemorrhage, CT (table 2)": (
        ("source 1", 0.86, 0.10, 0.79, 0.07),
        ("source 2", 0.80, 0.09, 0.87, 0.07),
        ("both, ratio 16/16", 0.86, 0.07, 0.82, 0.05),
        ("both, ratio 8/16", 0.84, 0.07, 0.81, 0.06),
        ("both, ratio 6/16", 0.83, 0.06, 0.81, 0.06),
        ("both, ratio 5/16", 0.82, 0.10, 0.80, 0.07),
    ),
}
"""Tables 1 and 2 of Schwartzman et al. (2019)."""


@dataclass(frozen=True)
class MixingRow:
    """A row of the table of Dice.

    Attributes:
        labels: what the network learnt.
        added: how many labels of the second source were added in a fold; empty for a plain network.
        dice: against each reference.
    """

    labels: str
    added: str
    dice: tuple[ReferenceDice, ...]


def build_dice_table(evaluation: MixingEvaluation) -> Table:
    """Dice and its change by the labels learnt, one column per reference."""
    return Table(
        label="Dice of mixed-source training",
        columns=["Labels learnt", *(f"Dice with {reference}" for reference in evaluation.references)],
        rows=[
            [Cell(row.labels, notes=(row.added,) if row.added else ()), *map(_fill_dice, row.dice)]
            for row in list_rows(evaluation)
        ],
        caption="Held-out Dice by the labels learnt",
    )


def _fill_dice(one: ReferenceDice) -> Cell:
    if one.mean is None:
        return fill_figure(None, "no common case")
    change = write_interval(one.change) if one.change else None
    notes = (f"change {change.estimate}", f"({change.bounds})") if change else ()
    return fill_figure(one.mean, *notes, f"n{NO_BREAK}={NO_BREAK}{one.case_count}")


_CHANGES: dict[Verdict, str] = {
    "learnt too little": "learnt too little",
    "cannot tell": "cannot tell",
    "no difference that matters": "no change that matters",
    "yes": "rose",
    "the wrong way round": "fell",
}


def build_test_table(evaluation: MixingEvaluation) -> Table:
    """Tests of the changes of all mixed networks, and what they say together."""
    return Table(
        label="Tests of the changes",
        columns=[
            "Ratio",
            "Dice with",
            f"Change ({format_confidence(evaluation.confidence)} interval)",
            Column("Cases", "number"),
            "p",
            "after Holm",
            "Dice",
        ],
        rows=[
            [
                format_number(network.ratio, 2),
                one.reference,
                format_interval(one.change),
                str(one.change_case_count),
                format_p(one.change.p_value if one.change else None),
                format_p(one.corrected_p),
                _CHANGES[evaluation.judge_change(one)],
            ]
            for network in evaluation.networks
            if network.ratio > 0
            for one in network.dice
        ],
        style="dense results",
    )


def build_paper_tables() -> tuple[Table, ...]:
    """The paper's Dice, mean and standard deviation, by data set."""
    return tuple(
        Table(
            label=f"The paper: {title}",
            columns=["Learnt", Column("With source 1", "number"), Column("With source 2", "number")],
            rows=[[name, _show_spread(*values[:2]), _show_spread(*values[2:])] for name, *values in rows],
            caption=title,
            style="dense",
        )
        for title, rows in PAPER_TABLES.items()
    )


def _show_spread(mean: float, std: float) -> str:
    return f"{format_number(mean, 2)} ± {format_number(std, 2)}"


def list_rows(evaluation: MixingEvaluation) -> tuple[MixingRow, ...]:
    """List the rows of the table: mixed networks by rising ratio, then the plain network of the second source."""
    first, second = evaluation.first, evaluation.second
    rows = []
    for network in evaluation.networks:
        counts = word_counts(network.added_counts)
        if evaluation.available_counts is not None:
            of = word_counts(evaluation.available_counts)
            counts = f"{counts} of {of}" if network.ratio < 1 else f"all {of}"
        mixed = MixingRow(f"{first} + {network.ratio:.2f} {second}", f"labels per fold: {counts}", network.dice)
        rows.append(mixed if network.ratio else MixingRow(f"{first} alone", "", network.dice))
    if evaluation.second_network is not None:
        rows.append(MixingRow(f"{second} alone", "", evaluation.second_network))
    return tuple(rows)


def word_counts(counts: tuple[int, int]) -> str:
    """Write fewest and most labels of a fold: "12", or "11 to 12"."""
    fewest, most = counts
    return f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"
