"""Tables as people save them: CSV with a comma, a semicolon or a tab between columns."""

import csv
from dataclasses import dataclass
from pathlib import Path

from overread.errors import InputError

_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True)
class DelimitedTable:
    """A table of text.

    Attributes:
        name: of the file, for messages.
        columns: (C,) names, all different.
        rows: C values each, spaces at the ends removed.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def read_column(self, name: str) -> tuple[str, ...]:
        """All values of a column, in the order of the rows.

        Raises:
            InputError: there is no such column.
        """
        if name not in self.columns:
            raise InputError(
                "a column must be one of the table",
                found=repr(name),
                where=self.name,
                hint=f"columns: {', '.join(self.columns)}",
            )
        place = self.columns.index(name)
        return tuple(row[place] for row in self.rows)

    def choose_case_column(self) -> str:
        """The column that names the cases: `case_id`, or else the first one."""
        return next((name for name in self.columns if name.lower() == "case_id"), self.columns[0])

    def read_case_column(self) -> tuple[str, ...]:
        """The case of each row, one row per case.

        Raises:
            InputError: a case has no name, or stands in two rows.
        """
        case_ids = self.read_column(self.choose_case_column())
        seen: set[str] = set()
        for number, case_id in enumerate(case_ids, start=2):
            if not case_id or case_id in seen:
                rule = "each row must name a case of its own"
                raise InputError(rule, found=repr(case_id), where=f"{self.name}, line {number}")
            seen.add(case_id)
        return case_ids


def read_delimited(path: Path) -> DelimitedTable:
    """Read a CSV file whose separator is the one of comma, semicolon and tab that its header holds most of.

    Raises:
        InputError: the file is missing, is no UTF-8 text or holds no row; a column name is empty or stands twice; a row
            has more or fewer values than the header.
    """
    lines = [line for line in _read_lines(path) if any(value.strip() for value in line)]
    if len(lines) < 2:
        raise InputError("a table must have a header and at least one row", found=len(lines), where=path.name)
    columns, *rows = (tuple(value.strip() for value in line) for line in lines)
    _check_columns(columns, path.name)
    for number, row in enumerate(rows, start=2):
        if len(row) != len(columns):
            raise InputError(
                f"each row must have as many values as the header, {len(columns)}",
                found=len(row),
                where=f"{path.name}, row {number} with {row[0]!r}",
                hint="decimals must have a point, for a comma may separate columns",
            )
    return DelimitedTable(path.name, columns, tuple(rows))


def _read_lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        header = text.split("\n", 1)[0]
        return list(csv.reader(text.splitlines(), delimiter=max(_SEPARATORS, key=header.count), strict=True))
    except FileNotFoundError as error:
        raise InputError("a table must exist", found=path) from error
    except OSError as error:
        raise InputError("a table must be a file that can be read", found=path, where=str(error)) from error
    except UnicodeDecodeError as error:
        raise InputError("a table must be UTF-8 text", where=path.name, hint="save it as UTF-8 CSV") from error
    except csv.Error as error:
        raise InputError("a table must be CSV", where=f"{path.name}: {error}") from error


def _check_columns(columns: tuple[str, ...], where: str) -> None:
    if len(columns) < 2:
        raise InputError(
            "a table must have at least two columns, separated by comma, semicolon or tab",
            found=", ".join(columns),
            where=where,
        )
    for name in columns:
        if not name:
            raise InputError("each column must have a name", where=where)
        if columns.count(name) > 1:
            raise InputError(
                "a column must stand once in the header",
                found=f"{name!r} {columns.count(name)} times",
                where=where,
                hint="two annotators under one name cannot be told apart; rename or remove one of them",
            )
