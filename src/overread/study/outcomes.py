"""The binary outcome of each case."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from overread.errors import InputError
from overread.study.cases import Case
from overread.study.delimited import read_delimited

_POSITIVE = ("1", "1.0", "yes", "true", "positive", "malignant")
_MISSING = {"", "nan", "na", "n/a"}
_MOST_SHOWN = 5
_SUBJECT = "subject_id"
_NOT_OUTCOMES = ("case_id", _SUBJECT, "split")


@dataclass(frozen=True)
class Outcome:
    """What is to be told from the ratings.

    Attributes:
        column: name of the column.
        negative: value of one class.
        positive: value of the other class, the one that scores speak for.
        by_case: whether each case is positive; cases without a value are left out.
        without: the cases without a value.
        subject_of: subject of each case, where the table says; any other case is a subject of its own.
    """

    column: str
    negative: str
    positive: str
    by_case: Mapping[str, bool]
    without: tuple[str, ...] = ()
    subject_of: Mapping[str, str] = field(default_factory=dict)


def read_outcomes(path: Path, *, column: str = "", positive: str = "") -> Outcome:
    """Read a table of outcomes, one row per case.

    Args:
        path: CSV file; the column `case_id`, or else the first, names the cases, `subject_id` the subjects.
        column: with the outcome; the only further column if not given.
        positive: value of the positive class; see `build_outcome`.

    Raises:
        InputError: see `build_outcome`, or the column must be named and is not.
    """
    table = read_delimited(path)
    case_column = table.choose_case_column()
    others = [name for name in table.columns if name not in (case_column, *_NOT_OUTCOMES)]
    if not column and len(others) != 1:
        hint = f"columns: {', '.join(others)}"
        raise InputError("the column with the outcome must be named", where=path.name, hint=hint)
    chosen = column or others[0]
    case_ids = table.read_case_column()
    values = dict(zip(case_ids, table.read_column(chosen), strict=True))
    outcome = build_outcome(values, column=chosen, positive=positive, where=path.name)
    subjects = table.read_column(_SUBJECT) if _SUBJECT in table.columns else case_ids
    return replace(outcome, subject_of={c: s or c for c, s in zip(case_ids, subjects, strict=True)})


def select_outcome(cases: tuple[Case, ...], *, column: str, positive: str = "") -> Outcome:
    """Take a column of `cases.csv` as the outcome.

    Raises:
        InputError: see `build_outcome`, or there is no such column.
    """
    known = dict.fromkeys(name for case in cases for name in case.columns if name not in _NOT_OUTCOMES)
    if column not in known:
        raise InputError(
            "the outcome must be a column of the case table",
            found=repr(column),
            where="cases.csv",
            hint=f"columns: {', '.join(known) or 'none'}",
        )
    values = {case.case_id: case.columns.get(column, "") for case in cases}
    return build_outcome(values, column=column, positive=positive, where="cases.csv")


def build_outcome(values: Mapping[str, str], *, column: str, positive: str, where: str) -> Outcome:
    """Check that a column has two classes, and choose the positive one.

    Args:
        values: value of each case; empty, NaN, NA and n/a mean that it is not known.
        column: name of the column.
        positive: value of the positive class; if empty the one that is 1, yes, true, positive or malignant, or else the
            last in alphabetical order.
        where: the file.

    Raises:
        InputError: there are fewer or more than two classes, or `positive` is none of them.
    """
    known = {case_id: value for case_id, value in values.items() if value.lower() not in _MISSING}
    classes = sorted(set(known.values()))
    place = f"{where}, column {column}"
    if len(classes) != 2:
        shown = ", ".join(classes[:_MOST_SHOWN]) + (", …" if len(classes) > _MOST_SHOWN else "")
        rule = "an outcome must have two classes"
        raise InputError(rule, found=f"{len(classes)} ({shown})" if classes else "none", where=place)
    if positive and positive not in classes:
        rule = "the positive class must be a value of the outcome"
        raise InputError(rule, found=repr(positive), where=place, hint=f"values: {', '.join(classes)}")
    chosen = positive or next((name for name in classes if name.lower() in _POSITIVE), classes[-1])
    return Outcome(
        column=column,
        negative=next(name for name in classes if name != chosen),
        positive=chosen,
        by_case={case_id: value == chosen for case_id, value in known.items()},
        without=tuple(case_id for case_id in values if case_id not in known),
    )
