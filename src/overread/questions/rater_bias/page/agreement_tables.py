"""The cross-evaluation matrix as tables, one set of tables per measure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from overread.evaluation.results import MetricSummary, name_network
from overread.questions.rater_bias.results import CrossEvaluation
from overread.report.formatting import format_count, format_dice, format_number
from overread.report.palette import shade_cell
from overread.report.table import Cell, CellContent, Table


@dataclass(frozen=True)
class Measure:
    """A measure of agreement, in words.

    Attributes:
        key: its name in the results.
        title: its name in the page.
        explanation: what it says, for a reader who does not know it.
        is_distance: distances are better when smaller, have a unit and can be infinite.
    """

    key: str
    title: str
    explanation: str
    is_distance: bool = False


@dataclass(frozen=True)
class MeasurePanel:
    """All tables of a measure."""

    measure: Measure
    tables: tuple[Table, ...]


def describe_measures(evaluation: CrossEvaluation) -> tuple[Measure, ...]:
    """The four measures, in reading order, with tolerance and unit."""
    unit = evaluation.length_unit
    tolerance = f"{evaluation.surface_tolerance:g} {unit}"
    return (
        Measure("dice", "Dice", "Overlap of two masks: 0 is none, 1 is the same mask. Higher is better."),
        Measure(
            "surface_dice",
            f"Surface Dice at {tolerance}",
            f"Share of both outlines that lie within {tolerance} of each other, from 0 to 1. Higher is better.",
        ),
        Measure(
            "hd95",
            f"HD95 ({unit})",
            "Distance that 95 % of the points of an outline keep to the other one, the larger of both directions. "
            "Lower is better. It is infinite where one mask is empty; such cases are counted and left out of the mean.",
            is_distance=True,
        ),
        Measure(
            "assd",
            f"ASSD ({unit})",
            "Mean distance of the points of two outlines to each other, both directions pooled. Lower is better. It is "
            "infinite where one mask is empty; such cases are counted and left out of the mean.",
            is_distance=True,
        ),
    )


def build_panels(evaluation: CrossEvaluation, *, noun: str) -> tuple[MeasurePanel, ...]:
    """Build the tables of every measure that was computed; `noun` is what they call a source."""
    panels = []
    for measure in describe_measures(evaluation):
        summaries = {
            (entry.prediction, entry.reference): entry for entry in evaluation.matrix if entry.metric == measure.key
        }
        if summaries:
            panels.append(MeasurePanel(measure, _build_tables(evaluation.sources, summaries, measure, noun)))
    return tuple(panels)


_BLANK = Cell("", "figure", mark="blank")
_Summaries = Mapping[tuple[str, str], MetricSummary]


def _build_tables(sources: Sequence[str], summaries: _Summaries, measure: Measure, noun: str) -> tuple[Table, ...]:
    networks, references = _sort_names(sources, summaries)
    shade = _Shading(summaries, measure)
    tables = (
        _build_table(f"Networks (rows) against {noun}s (columns)", "network of", networks, references, shade),
        _build_triangle(f"{noun.capitalize()}s against each other", noun, references, shade),
        _build_triangle("Networks against each other", "network of", networks, shade),
    )
    return tuple(table for table in tables if any(cell.notes for row in table.body for cell in row))


def _sort_names(sources: Sequence[str], summaries: _Summaries) -> tuple[dict[str, str], dict[str, str]]:
    """Networks and other label sets of the matrix, each with the heading under which it is shown."""
    prefix = name_network("")
    networks = {name_network(source): source for source in sources}
    references = {source: source for source in sources}
    for name in dict.fromkeys(name for pair in summaries for name in pair):
        if name not in networks and name not in references:
            (networks if name.startswith(prefix) else references)[name] = name.removeprefix(prefix)
    return networks, references


class _Shading:
    """Turns summaries into cells, shaded over the range of means of one measure."""

    def __init__(self, summaries: _Summaries, measure: Measure) -> None:
        self._summaries = summaries
        self._measure = measure
        means = [entry.mean for entry in summaries.values() if entry.mean is not None and math.isfinite(entry.mean)]
        self._low, self._high = min(means, default=0.0), max(means, default=0.0)

    def build_cell(self, row: str, column: str) -> Cell:
        """Build the cell of two label sets; agreement is symmetric, so either order of the two will do."""
        entry = self._summaries.get((row, column)) or self._summaries.get((column, row))
        if entry is None:
            return _BLANK
        mean, std = (
            format_number(value, 2) if self._measure.is_distance else format_dice(value)
            for value in (entry.mean, entry.std)
        )
        notes = [f"± {std}"] if entry.std is not None and math.isfinite(entry.std) else []
        notes.append(f"n = {entry.case_count}")
        if entry.infinite_count:
            notes.append(f"+ {format_count(entry.infinite_count, 'infinite', 'infinite')}")
        mark = "own" if row == name_network(column) else ""
        return Cell(mean, "figure", tuple(notes), mark=mark, background=self._choose_background(entry.mean))

    def lay_out(self, caption: str, columns: Sequence[str], rows: Sequence[Sequence[CellContent]]) -> Table:
        """A table of the measure."""
        return Table(f"{self._measure.title}: {caption}", columns, rows, caption=caption)

    def _choose_background(self, mean: float | None) -> str:
        if mean is None or not math.isfinite(mean) or self._high <= self._low:
            return shade_cell(0)
        strength = (mean - self._low) / (self._high - self._low)
        return shade_cell(1 - strength if self._measure.is_distance else strength)


def _build_table(
    caption: str, corner: str, rows: Mapping[str, str], columns: Mapping[str, str], shade: _Shading
) -> Table:
    body: list[list[CellContent]] = [
        [heading, *(shade.build_cell(row, column) for column in columns)] for row, heading in rows.items()
    ]
    return shade.lay_out(caption, [corner, *columns.values()], body)


def _build_triangle(caption: str, corner: str, names: Mapping[str, str], shade: _Shading) -> Table:
    """Each pair once: the rows leave out the last name, the columns the first, and what lies below stays blank."""
    keys = list(names)
    body: list[list[CellContent]] = [
        [names[row], *(shade.build_cell(row, keys[j]) if j > i else _BLANK for j in range(1, len(keys)))]
        for i, row in enumerate(keys[:-1])
    ]
    return shade.lay_out(caption, [corner, *(names[key] for key in keys[1:])], body)
