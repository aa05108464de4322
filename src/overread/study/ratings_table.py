"""Ratings of cases by several annotators, read from a long or a wide CSV table."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError
from overread.study.delimited import DelimitedTable, read_delimited

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_NUMBERED = re.compile(r"[A-Za-z]*\d+")
_JOINTS = ("_", "-", ".", " ")
Cell: TypeAlias = tuple[str, str, str]
"""Case, annotator and feature."""
_LONG = ("annotator", "feature", "value")
_MISSING = {"", "nan", "na", "n/a"}
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")
_FEWEST_ANNOTATORS = 2


@dataclass(frozen=True)
class ColumnPattern:
    """A column name with `{feature}` and `{annotator}`, such as `{feature}_{annotator}`.

    Where a name can be split in several ways, `{feature}` takes as much as possible.
    """

    text: str

    def __post_init__(self) -> None:
        if sorted(_PLACEHOLDER.findall(self.text)) != ["annotator", "feature"]:
            raise InputError(
                "a column pattern must hold {feature} and {annotator} once each",
                found=repr(self.text),
                hint="for example {feature}_{annotator}",
            )

    def match(self, column: str) -> tuple[str, str] | None:
        """Feature and annotator of a column; None where the pattern does not fit."""
        found = self._regex.fullmatch(column)
        return None if found is None else (found["feature"], found["annotator"])

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        kinds = {"feature": "(?P<feature>.+)", "annotator": "(?P<annotator>.+?)"}
        parts = [kinds[p] if index % 2 else re.escape(p) for index, p in enumerate(_PLACEHOLDER.split(self.text))]
        return re.compile("".join(parts))


def guess_pattern(columns: Sequence[str], *, where: str) -> ColumnPattern:
    """Guess the pattern of all `columns`: numbered annotators at one end, the features at the other.

    `Color_7_1, Border_7_1, Color_7_2, …` gives `{feature}_7_{annotator}`: what all features share at the side of the
    annotator belongs to the pattern. Numbers may follow letters (`rater1`).

    Raises:
        InputError: no pattern fits all columns, or not every annotator has every feature.
    """
    for joint in _JOINTS:
        for annotator_is_last in (True, False):
            pattern = _fit(columns, joint, annotator_is_last)
            if pattern is not None and _is_complete(pattern, columns):
                return pattern
    raise InputError(
        "the columns of ratings must be named by feature and numbered annotator, every annotator with every feature",
        found=", ".join(columns[:4]) + (", …" if len(columns) > 4 else ""),
        where=where,
        hint="give the pattern of the columns, as {feature}_{annotator}; those that do not fit it are left out",
    )


def _fit(columns: Sequence[str], joint: str, annotator_is_last: bool) -> ColumnPattern | None:
    split = [_split(column, joint, annotator_is_last) for column in columns]
    parts = [part for part in split if part is not None and _NUMBERED.fullmatch(part[1])]
    if len(parts) < len(columns):
        return None
    shared = _find_shared([feature.split(joint) for feature, _ in parts], at_end=annotator_is_last)
    tokens = ["{feature}", *shared, "{annotator}"] if annotator_is_last else ["{annotator}", *shared, "{feature}"]
    return ColumnPattern(joint.join(tokens))


def _split(column: str, joint: str, annotator_is_last: bool) -> tuple[str, str] | None:
    """Feature and annotator of a column; None without the joint."""
    left, found, right = column.rpartition(joint) if annotator_is_last else column.partition(joint)
    if not found or not left or not right:
        return None
    return (left, right) if annotator_is_last else (right, left)


def _find_shared(features: Sequence[Sequence[str]], *, at_end: bool) -> list[str]:
    """The tokens that all features have in common at one end; each keeps at least one token of its own."""
    turned = [tokens[::-1] if at_end else tokens for tokens in features]
    shared: list[str] = []
    for tokens in zip(*(tokens[:-1] for tokens in turned), strict=False):
        if len(set(tokens)) > 1:
            break
        shared.append(tokens[0])
    return shared[::-1] if at_end else shared


def _is_complete(pattern: ColumnPattern, columns: Sequence[str]) -> bool:
    pairs = [pair for pair in map(pattern.match, columns) if pair is not None]
    features, annotators = {feature for feature, _ in pairs}, {annotator for _, annotator in pairs}
    return len(set(pairs)) == len(columns) == len(features) * len(annotators) and len(annotators) > 1


@dataclass(frozen=True)
class RatingTable:
    """Ratings of N cases by A annotators for F visual features.

    Attributes:
        case_ids: (N,) in the order of the table.
        annotators: (A,) names.
        features: (F,) names.
        values: (N, A, F), NaN where a rating is missing.
        layout: how the table was read: `long`, or the pattern of its columns.
        ignored: columns that the pattern does not fit.
    """

    case_ids: tuple[str, ...]
    annotators: tuple[str, ...]
    features: tuple[str, ...]
    values: NDArray[np.float64]
    layout: str
    ignored: tuple[str, ...] = ()


def read_ratings(path: Path, *, pattern: str = "") -> RatingTable:
    """Read a table of ratings.

    A long table has the columns case_id, annotator, feature and value. In a wide one the column `case_id`, or else the
    first, names the cases, and there is a column per feature and annotator. Empty cells, NaN, NA and n/a are missing.

    Args:
        path: CSV file; columns separated by comma, semicolon or tab, decimals with a point.
        pattern: of the columns of a wide table, with {feature} and {annotator}; guessed if not given.

    Raises:
        InputError: a rating is no number, something stands twice, an annotator lacks a feature, or there are fewer than
            two annotators.
    """
    table = read_delimited(path)
    names = {name.lower() for name in table.columns}
    is_long = {table.choose_case_column().lower(), *_LONG} <= names and not pattern
    return _read_long(table) if is_long else _read_wide(table, pattern)


def _read_long(table: DelimitedTable) -> RatingTable:
    lower = {name.lower(): name for name in table.columns}
    case_column = table.choose_case_column()
    names = [table.read_column(name) for name in (case_column, lower["annotator"], lower["feature"])]
    cells: dict[Cell, float] = {}
    for case_id, annotator, feature, text in zip(*names, table.read_column(lower["value"]), strict=True):
        cell = (case_id, annotator, feature)
        where = f"{table.name}, case {case_id!r}, annotator {annotator!r}, feature {feature!r}"
        if not all(cell):
            raise InputError(
                "each rating must name its case, annotator and feature", found=", ".join(cell), where=where
            )
        if cell in cells:
            raise InputError("an annotator must rate a feature of a case once", found="two ratings", where=where)
        cells[cell] = _parse_rating(text, where)
    kept = {case_column, *(lower[name] for name in _LONG)}
    return _arrange(cells, "long", tuple(name for name in table.columns if name not in kept), table.name)


def _read_wide(table: DelimitedTable, text: str) -> RatingTable:
    case_column, case_ids = table.choose_case_column(), table.read_case_column()
    columns = [name for name in table.columns if name != case_column]
    pattern = ColumnPattern(text) if text else guess_pattern(columns, where=table.name)
    matched = {name: pair for name in columns if (pair := pattern.match(name)) is not None}
    if not matched:
        hint = f"columns: {', '.join(columns[:6])}"
        raise InputError("a column must fit the pattern", found=repr(pattern.text), where=table.name, hint=hint)
    cells: dict[Cell, float] = {}
    for name, (feature, annotator) in matched.items():
        for case_id, value in zip(case_ids, table.read_column(name), strict=True):
            where = f"{table.name}, column {name}, case {case_id!r}"
            cells[case_id, annotator, feature] = _parse_rating(value, where)
    return _arrange(cells, pattern.text, tuple(name for name in columns if name not in matched), table.name)


def _parse_rating(text: str, where: str) -> float:
    if text.lower() in _MISSING:
        return math.nan
    if _DECIMAL_COMMA.fullmatch(text):
        rule = "a rating must have a point before its decimals"
        raise InputError(rule, found=repr(text), where=where, hint=f"write {text.replace(',', '.')}")
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        hint = "replace words by numbers in their order; leave the cell empty where there is no rating"
        raise InputError("a rating must be a number", found=repr(text), where=where, hint=hint)
    return value


def _arrange(cells: Mapping[Cell, float], layout: str, ignored: tuple[str, ...], where: str) -> RatingTable:
    case_ids, annotators, features = (tuple(dict.fromkeys(cell[place] for cell in cells)) for place in range(3))
    if len(annotators) < _FEWEST_ANNOTATORS:
        raise InputError("ratings must come from at least two annotators", found=", ".join(annotators), where=where)
    _check_grid({cell[1:] for cell in cells}, annotators, features, where)
    rows = [[[cells.get((c, a, f), math.nan) for f in features] for a in annotators] for c in case_ids]
    return RatingTable(case_ids, annotators, features, np.array(rows, np.float64), layout, ignored)


def _check_grid(rated: set[tuple[str, str]], annotators: Sequence[str], features: Sequence[str], where: str) -> None:
    absent = [f"{a!r} lacks {f!r}" for a in annotators for f in features if (a, f) not in rated]
    if absent:
        raise InputError(
            "every annotator must have rated every feature",
            found=", ".join(absent[:3]) + (f" and {len(absent) - 3} more" if len(absent) > 3 else ""),
            where=where,
            hint="leave out the annotator or the feature",
        )
