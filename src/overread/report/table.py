"""Tables and key figures of a page, as values: a template says where they stand and escapes what they hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias

from overread.evaluation.results import Interval
from overread.report.formatting import ABSENT, write_interval

CellKind: TypeAlias = Literal["text", "number", "figure", "code", "verdict", "cases", "group"]


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: its heading.
        kind: how its cells are set that are given as plain text; numbers stand on the right, below their heading.
        group: heading above it and its neighbours of the same group; empty for none.
    """

    title: str
    kind: Literal["text", "number"] = "text"
    group: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: what it says.
        kind: how it is set: a `figure` is a large number with small lines below, a `verdict` a badge, `cases` are a
            list that is folded where it is long, and a `group` is the heading of the rows below, over all columns.
        notes: smaller lines below the text.
        mark: a further class of style.css; that of the badge of a verdict.
        background: shade (#rrggbb); empty where there is none.
        span: number of columns that it covers.
        case_ids: what a cell of kind `cases` lists.
        is_bold: its text stands out among those of its column.
        anchor: id of the part of the page that its text leads to; empty for none.
    """

    text: str = ""
    kind: CellKind = "text"
    notes: tuple[str, ...] = ()
    mark: str = ""
    background: str = ""
    span: int = 1
    case_ids: tuple[str, ...] = ()
    is_bold: bool = False
    anchor: str = ""

    @property
    def classes(self) -> str:
        """Classes of style.css."""
        kind = {"number": "number", "figure": "figure-cell"}.get(self.kind, "")
        return f"{kind} {self.mark if self.kind != 'verdict' else ''}".strip()


CellContent: TypeAlias = Cell | str


@dataclass(frozen=True)
class Table:
    """A table in a box that scrolls sideways where the page is narrow.

    Attributes:
        label: what it holds, for readers who do not see it.
        columns: their headings; a plain text is a column of text.
        rows: a plain text is set as the column says.
        caption: what stands above it; empty for none.
        style: classes of style.css.
        empty: what is said in place of rows where there are none.
        heading: place of the cell, from 0, that is the heading of its row.
    """

    label: str
    columns: Sequence[Column | str]
    rows: Sequence[Sequence[CellContent]]
    caption: str = ""
    style: str = ""
    empty: str = ""
    heading: int = 0

    def __post_init__(self) -> None:
        """Refuse rows that do not fill the columns.

        Raises:
            ValueError: a row has too few or too many cells.
        """
        for row in self.body:
            if (width := sum(cell.span for cell in row)) != len(self.columns):
                raise ValueError(f"a row of '{self.label}' covers {width} of {len(self.columns)} columns: {row}")

    @property
    def head(self) -> tuple[Column, ...]:
        """The columns."""
        return tuple(column if isinstance(column, Column) else Column(column) for column in self.columns)

    @property
    def groups(self) -> tuple[tuple[str, tuple[Column, ...]], ...]:
        """The columns by their common headings."""
        grouped = groupby(self.head, key=lambda column: column.group)
        return tuple((heading, tuple(columns)) for heading, columns in grouped)

    @property
    def body(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows, every cell with its kind."""
        return tuple(self._complete(row) for row in self.rows)

    def _complete(self, row: Sequence[CellContent]) -> tuple[Cell, ...]:
        cells: list[Cell] = []
        place = 0
        for content in row:
            cell = Cell(content, self.head[place].kind) if isinstance(content, str) else content
            cells.append(cell)
            place += cell.span
        return tuple(cells)


@dataclass(frozen=True)
class KeyFigure:
    """One of the large numbers at the head of a page.

    Attributes:
        title: what it is.
        value: the number.
        notes: smaller lines below.
    """

    title: str
    value: str
    notes: tuple[str, ...] = ()


def show_interval(title: str, interval: Interval | None, *notes: str) -> list[KeyFigure]:
    """The key figure of an estimate with its bounds below; none where there is no estimate."""
    if interval is None:
        return []
    written = write_interval(interval)
    return [KeyFigure(title, written.estimate, (written.bounds, *notes))]


def fill_figure(interval: Interval | None, *notes: str) -> Cell:
    """A cell with an estimate, its bounds and further lines below; without an estimate only the lines."""
    if interval is None:
        return Cell(ABSENT, "figure", notes)
    written = write_interval(interval)
    return Cell(written.estimate, "figure", (written.bounds, *notes))
