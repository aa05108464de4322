"""The section on mixed-source training of the report of `rater-bias`: its values and its sentences."""

import math
from dataclasses import dataclass
from typing import TypeAlias

from overread.errors import InputError
from overread.evaluation.results import Interval
from overread.questions.rater_bias.mixing_results import MixingEvaluation, ReferenceDice, SourceShift, find_sign
from overread.questions.rater_bias.page.figures.mixing_curve import draw_mixing_curve
from overread.report.answer import Answer
from overread.report.figures.canvas import Figure
from overread.report.formatting import NO_BREAK, format_count, write_interval
from overread.report.palette import Colours

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


@dataclass(frozen=True)
class MixingSection:
    """What the template shows.

    Attributes:
        evaluation: the numbers.
        answer: whether added labels of the second source move the network towards it.
        full_shift: how far the plain network of the second source lies; empty where that is unknown.
        rows: by rising ratio, then the plain network of the second source.
        curve: Dice over the ratio.
        colours: of the references.
        paper_tables: the paper's figures, by data set.
    """

    evaluation: MixingEvaluation
    answer: Answer
    full_shift: str
    rows: tuple[MixingRow, ...]
    curve: Figure
    colours: Colours
    paper_tables: dict[str, tuple[PaperRow, ...]]


def build_mixing_section(evaluation: MixingEvaluation, colours: Colours) -> MixingSection:
    """Prepare the section.

    Raises:
        InputError: a reference of the evaluation has no colour.
    """
    if missing := [reference for reference in evaluation.references if reference not in colours]:
        raise InputError("references of mixed-source training must be sources of the report", found=", ".join(missing))
    return MixingSection(
        evaluation=evaluation,
        answer=word_mixing_answer(evaluation),
        full_shift=word_full_shift(evaluation),
        rows=list_rows(evaluation),
        curve=draw_mixing_curve(evaluation, colours),
        colours=colours,
        paper_tables=PAPER_TABLES,
    )


def list_rows(evaluation: MixingEvaluation) -> tuple[MixingRow, ...]:
    """List the rows of the table: mixed networks by rising ratio, then the plain network of the second source."""
    first, second = evaluation.first, evaluation.second
    rows = []
    for network in evaluation.networks:
        counts = _word_counts(network.added_counts)
        if evaluation.available_counts is not None:
            of = _word_counts(evaluation.available_counts)
            counts = f"{counts} of {of}" if network.ratio < 1 else f"all {of}"
        mixed = MixingRow(f"{first} + {network.ratio:.2f} {second}", f"labels per fold: {counts}", network.dice)
        rows.append(mixed if network.ratio else MixingRow(f"{first} alone", "", network.dice))
    if evaluation.second_network is not None:
        rows.append(MixingRow(f"{second} alone", "", evaluation.second_network))
    return tuple(rows)


def word_mixing_answer(evaluation: MixingEvaluation) -> Answer:
    """Answer "does adding labels of the second source move the network towards it?" from the interval of the shift."""
    second, shift = evaluation.second, evaluation.shift
    if shift is None:
        rest = f"no held-out case was outlined by both {evaluation.first} and {second} and by the networks compared."
        return Answer("no-answer", "The question could not be answered:", rest)
    if not math.isfinite(shift.difference.low):
        changes = _word_changes(evaluation, shift)
        rest = f"all cases compared are of one subject, so the uncertainty is unknown: {changes}."
        return Answer("no-answer", "The question could not be answered:", rest)
    difference = f"the first change minus the second, the shift, is {_word(shift.difference)}"
    changes = f"{_word_changes(evaluation, shift)}; {difference}"
    match shift.outcome:
        case "towards":
            limit = _word_limit(evaluation, is_relative=shift.second_change.estimate <= 0)
            return Answer("yes", f"Added labels of {second} moved the network towards {second}{limit}:", f"{changes}.")
        case "away":
            limit = _word_limit(evaluation, is_relative=shift.second_change.estimate >= 0)
            lead = f"Added labels of {second} moved the network away from {second}{limit}:"
            return Answer("reversed", lead, f"{changes}.")
        case _:
            rest = f"{changes}, an interval that includes 0. This does not prove that they have no effect."
            return Answer(
                "not-shown",
                f"It is undecided whether added labels of {second} move the network towards {second}:",
                rest,
            )


def word_full_shift(evaluation: MixingEvaluation) -> str:
    """Say how far the plain network of the second source lies from that of the first, on the scale of the answer."""
    if evaluation.full_shift is None:
        return ""
    networks = f"from the network of {evaluation.first} alone to that of {evaluation.second} alone"
    return f"For comparison: the shift {networks} is {_word(evaluation.full_shift.difference)}."


def _word_changes(evaluation: MixingEvaluation, shift: SourceShift) -> str:
    top = evaluation.networks[-1]
    counts = _word_counts(top.added_counts)
    added = f"all training labels of {evaluation.second} ({counts} per fold)"
    if top.ratio < 1:
        added = f"part of the training labels of {evaluation.second} (ratio {top.ratio:.2f}, {counts} per fold)"
    return (
        f"with {added} beside those of {evaluation.first}, Dice with {evaluation.second} "
        f"{_word_change(shift.second_change)} and Dice with {evaluation.first} {_word_change(shift.first_change)} "
        f"on {format_count(shift.case_count, 'held-out case')}"
    )


def _word_change(change: Interval) -> str:
    match find_sign(change):
        case 1:
            return f"rose by {_word(change)}"
        case -1:
            fall = Interval(estimate=-change.estimate, low=-change.high, high=-change.low, confidence=change.confidence)
            return f"fell by {_word(fall)}"
        case _:
            return f"changed by {_word(change)}"


def _word_limit(evaluation: MixingEvaluation, *, is_relative: bool) -> str:
    return f", but only in comparison with {evaluation.first}" if is_relative else ""


def _word_counts(counts: tuple[int, int]) -> str:
    fewest, most = counts
    return f"{most:,}" if fewest == most else f"{fewest:,} to {most:,}"


def _word(interval: Interval) -> str:
    estimate, bounds = write_interval(interval)
    if not math.isfinite(interval.low):
        return f"{estimate} ({bounds})"
    return f"{estimate} ({100 * interval.confidence:g}{NO_BREAK}% interval {bounds})"
