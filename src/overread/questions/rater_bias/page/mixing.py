"""The section about networks of mixed labels."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from overread.errors import InputError
from overread.evaluation.results import Estimate
from overread.questions.rater_bias.mixing_results import MixingEvaluation, ReferenceDice, SourceShift
from overread.questions.rater_bias.page.mixing_tables import (
    build_dice_table,
    build_paper_tables,
    build_test_table,
    word_counts,
)
from overread.report.answer import Answer
from overread.report.figures.canvas import Figure, add_value_grid, finish_drawing, start_drawing
from overread.report.formatting import format_count, write_interval
from overread.report.judgement import (
    Advice,
    Claim,
    describe_luck,
    list_design,
    word_too_little,
    word_verdict,
    write_estimate,
)
from overread.report.palette import GRID, Colours
from overread.report.table import KeyFigure, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_PX, _HEIGHT_PX = 342, 310
_DODGE, _LARGEST_SPREAD, _ALONE_GAP, _MARGIN = 0.03, 0.09, 0.2, 0.06
"""Shares of the width between ratio 0 and the largest one; the margin also of the height between the outer bounds."""


class Point(NamedTuple):
    """A mark: where it lies, and the mean Dice with its interval."""

    place: float
    mean: Estimate


def draw_mixing_curve(evaluation: MixingEvaluation, colours: Colours) -> Figure:
    """Draw one line per reference over the ratio, and hollow marks of the plain second network at the right.

    Bars are the intervals of the means; marks of different references are moved apart sideways, so that they do not
    cover each other. Lines of the two mixed sources are thicker than those of other references.
    """
    with start_drawing(_WIDTH_PX, _HEIGHT_PX) as drawing:
        axes = drawing.add_subplot()
        for reference, shift in zip(evaluation.references, spread_marks(evaluation), strict=True):
            is_mixed = reference in (evaluation.first, evaluation.second)
            points = [Point(ratio + shift, mean) for ratio, mean in locate_points(evaluation, reference)]
            _draw_line(axes, points, colour=colours[reference], width=2.0 if is_mixed else 1.0)
            if alone := locate_alone(evaluation, reference):
                _draw_points(axes, [Point(alone.place + shift, alone.mean)], colour=colours[reference], is_hollow=True)
        _label_axes(axes, evaluation)
        add_value_grid(axes)
        return finish_drawing(drawing, _describe(evaluation))


def spread_marks(evaluation: MixingEvaluation) -> list[float]:
    """How far the marks of each reference are moved sideways, in units of the ratio, symmetrically about 0."""
    gaps = len(evaluation.references) - 1
    spread = min(_DODGE * gaps, _LARGEST_SPREAD) * evaluation.networks[-1].ratio
    return [spread * (place / gaps - 0.5) for place in range(gaps + 1)]


def locate_points(evaluation: MixingEvaluation, reference: str) -> list[Point]:
    """Ratio and mean Dice against one reference, for the networks that have one."""
    rows = [(network.ratio, _find(network.dice, reference).mean) for network in evaluation.networks]
    return [Point(ratio, mean) for ratio, mean in rows if mean is not None]


def locate_alone(evaluation: MixingEvaluation, reference: str) -> Point | None:
    """Place and mean Dice of the plain network of the second source, right of the largest ratio."""
    mean = _find(evaluation.second_network, reference).mean if evaluation.second_network else None
    return None if mean is None else Point(evaluation.networks[-1].ratio * (1 + _ALONE_GAP), mean)


def choose_limits(evaluation: MixingEvaluation) -> tuple[float, float]:
    """Limits of the Dice axis: a little beyond the lowest and the highest bound."""
    rows = [one for network in evaluation.networks for one in network.dice] + list(evaluation.second_network or ())
    means = [row.mean for row in rows if row.mean is not None]
    ends = [end for mean in means for end in (mean.low, mean.estimate, mean.high) if math.isfinite(end)]
    margin = _MARGIN * (max(ends) - min(ends)) or _MARGIN
    return min(ends) - margin, max(ends) + margin


def _find(dice: Sequence[ReferenceDice], reference: str) -> ReferenceDice:
    return next(one for one in dice if one.reference == reference)


def _draw_line(axes: "Axes", points: Sequence[Point], *, colour: str, width: float) -> None:
    places, means = [point.place for point in points], [point.mean.estimate for point in points]
    axes.plot(places, means, color=colour, linewidth=width, zorder=2)
    _draw_points(axes, points, colour=colour)


def _draw_points(axes: "Axes", points: Sequence[Point], *, colour: str, is_hollow: bool = False) -> None:
    fill, edge = ("white", colour) if is_hollow else (colour, "white")
    for place, mean in points:
        axes.plot([place, place], [mean.low, mean.high], color=colour, linewidth=1.3, alpha=0.75, zorder=3)
        axes.plot(place, mean.estimate, "o", color=fill, markersize=7, markeredgecolor=edge, zorder=4)


def _label_axes(axes: "Axes", evaluation: MixingEvaluation) -> None:
    from matplotlib.ticker import MaxNLocator

    top = end = evaluation.networks[-1].ratio
    ticks = [tick for tick in MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(0, top) if tick <= top]
    labels = [f"{tick:.3g}" for tick in ticks]
    if evaluation.second_network:
        end = top * (1 + _ALONE_GAP)
        ticks, labels = [*ticks, end], [*labels, "alone"]
        axes.axvline(top * (1 + _ALONE_GAP / 2), color=GRID, linewidth=1)
    margin = _MARGIN * top + max(spread_marks(evaluation))
    axes.set_xticks(ticks, labels)
    axes.set(xlim=(-margin, end + margin), ylim=choose_limits(evaluation))
    axes.set(xlabel="share of labels added", ylabel="held-out Dice")


def _describe(evaluation: MixingEvaluation) -> str:
    parts = []
    for reference in evaluation.references:
        marks = [(f"ratio {point.place:.2f}", point.mean) for point in locate_points(evaluation, reference)]
        if alone := locate_alone(evaluation, reference):
            marks.append((f"network of {evaluation.second} alone", alone.mean))
        written = (f"{name} {write_interval(mean).estimate} ({write_interval(mean).bounds})" for name, mean in marks)
        parts.append(f"With {reference}: {', '.join(written)}")
    opening = f"Held-out Dice of networks of {evaluation.first} by the share of labels of {evaluation.second} added."
    return f"{opening} {'; '.join(parts)}."


@dataclass(frozen=True)
class MixingSection:
    """What the template shows.

    Attributes:
        evaluation: the numbers.
        answer: whether added labels of the second source move the network towards it.
        changes: the two changes that the answer sets against each other; empty where there are none.
        full_shift: how far the plain network of the second source lies; empty where that is unknown.
        design: what the answer rests on, and what it could have found; empty where no case could be compared.
        luck: what the intervals allow for.
        dice_table: Dice by rising ratio, then of the plain network of the second source.
        test_table: tests of the changes.
        curve: Dice over the ratio.
        colours: of the references.
        paper_tables: the paper's figures, by data set.
    """

    evaluation: MixingEvaluation
    answer: Answer
    changes: str
    full_shift: str
    design: list[KeyFigure]
    luck: str
    dice_table: Table
    test_table: Table
    curve: Figure
    colours: Colours
    paper_tables: tuple[Table, ...]


def build_mixing_section(evaluation: MixingEvaluation, colours: Colours, *, noun: str = "rater") -> MixingSection:
    """Prepare the section.

    Args:
        evaluation: the numbers.
        colours: of the references.
        noun: what to call a source, "rater" or "source".

    Raises:
        InputError: a reference of the evaluation has no colour.
    """
    if missing := [reference for reference in evaluation.references if reference not in colours]:
        raise InputError("references of mixed-source training must be sources of the report", found=", ".join(missing))
    return MixingSection(
        evaluation=evaluation,
        answer=word_mixing_answer(evaluation, noun=noun),
        changes=word_changes(evaluation),
        full_shift=word_full_shift(evaluation),
        design=list_mixing_design(evaluation),
        luck=describe_luck(evaluation.shift.difference) if evaluation.shift else "",
        dice_table=build_dice_table(evaluation),
        test_table=build_test_table(evaluation),
        curve=draw_mixing_curve(evaluation, colours),
        colours=colours,
        paper_tables=build_paper_tables(),
    )


def word_mixing_answer(evaluation: MixingEvaluation, *, noun: str = "rater") -> Answer:
    """Answer "does adding labels of the second source move the network towards it?" from the shift."""
    second, shift = evaluation.second, evaluation.shift
    if evaluation.verdict == "learnt too little":
        return word_too_little(evaluation.skills, noun=noun)
    if shift is None:
        rest = f"no held-out case was outlined by both {evaluation.first} and {second} and by the networks compared."
        return Answer("no-answer", "The question could not be answered:", rest)
    return word_verdict(
        evaluation.verdict,
        shift.difference,
        claim=_claim_move(evaluation, shift),
        matters=evaluation.matters,
        advice=Advice(trainings=f"10 trainings per {noun} and per share of labels added"),
    )


def _claim_move(evaluation: MixingEvaluation, shift: SourceShift) -> Claim:
    second = evaluation.second
    relative = f", but only in comparison with {evaluation.first}"
    towards = relative if shift.second_change.estimate <= 0 else ""
    away = relative if shift.second_change.estimate >= 0 else ""
    return Claim(
        holds=f"added labels of {second} moved the networks towards {second}{towards}",
        reversed=f"added labels of {second} moved the networks away from {second}{away}",
    )


def word_changes(evaluation: MixingEvaluation) -> str:
    """Say which two changes the shift is the difference of; empty without a shift, or where too little was learnt."""
    shift, top = evaluation.shift, evaluation.networks[-1]
    if shift is None or not evaluation.has_learnt:
        return ""
    counts = word_counts(top.added_counts)
    added = f"all training labels of {evaluation.second} ({counts} per fold)"
    if top.ratio < 1:
        added = f"part of the training labels of {evaluation.second} (ratio {top.ratio:.2f}, {counts} per fold)"
    cases = format_count(shift.case_count, "held-out case")
    subjects = format_count(shift.difference.subject_count, "subject")
    return (
        f"With {added} beside those of {evaluation.first}, Dice with {evaluation.second} changed by "
        f"{write_estimate(shift.second_change)} and Dice with {evaluation.first} by "
        f"{write_estimate(shift.first_change)} on {cases} of {subjects}. The first change minus the second is the "
        "shift, by which the answer goes."
    )


def word_full_shift(evaluation: MixingEvaluation) -> str:
    """Say how far the plain network of the second source lies from that of the first, on the scale of the answer."""
    if evaluation.full_shift is None or not evaluation.has_learnt:
        return ""
    networks = f"from the networks of {evaluation.first} alone to those of {evaluation.second} alone"
    return f"For comparison: the shift {networks} is {write_estimate(evaluation.full_shift.difference)}."


def list_mixing_design(evaluation: MixingEvaluation) -> list[KeyFigure]:
    """What the shift rests on and what it could have found; empty without one."""
    if evaluation.shift is None:
        return []
    return list_design(
        evaluation.shift.difference, training_count=evaluation.training_count, matters=evaluation.matters
    )
