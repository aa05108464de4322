"""The case table, `cases.csv`."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from overread.errors import StudyError
from overread.study.schema import NAME_PATTERN

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Case:
    """One image of one subject; `columns` holds the further columns of `cases.csv` as text."""

    case_id: str
    subject_id: str
    columns: Mapping[str, str] = field(default_factory=dict)

    @property
    def split(self) -> str | None:
        """Train, validation or test where the study fixes it, else None."""
        return self.columns.get("split") or None


def read_cases(path: Path) -> tuple[Case, ...]:
    """Read and check `cases.csv`.

    Raises:
        StudyError: with all problems at once (missing column, duplicate or unsafe case_id, subject in two splits, …).
    """
    cases = read_unchecked_cases(path)
    if problems := find_case_problems(cases):
        raise StudyError(problems)
    return cases


def read_unchecked_cases(path: Path) -> tuple[Case, ...]:
    """Read `cases.csv`, leaving its rows to `find_case_problems`.

    Raises:
        StudyError: there is no such file, it is not UTF-8 text, or it has no column case_id.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            rows = list(reader)
    except FileNotFoundError as error:
        raise StudyError([f"a study must have a case table, got none at {path}."]) from error
    except UnicodeDecodeError as error:
        raise StudyError([f"{path.name} must be UTF-8 text. Hint: save it as UTF-8 CSV."]) from error
    except csv.Error as error:
        raise StudyError([f"{path.name} must be a CSV table, got: {error}."]) from error
    if not rows or "case_id" not in rows[0]:
        raise StudyError(
            [f"{path.name} must have a column case_id and at least one row. Hint: the separator is a comma."]
        )
    if long := [row["case_id"] for row in rows if None in row]:
        raise StudyError([f"a row of {path.name} must not be longer than its header; case {long[0]!r}."])
    return tuple(_to_case(row) for row in rows)


def write_cases(path: Path, cases: Sequence[Case]) -> None:
    """Write `cases.csv`, one row per case in the given order."""
    columns = list(dict.fromkeys(name for case in cases for name in case.columns))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["case_id", "subject_id", *columns])
        writer.writerows([c.case_id, c.subject_id, *(c.columns.get(name, "") for name in columns)] for c in cases)


def is_safe_case_id(case_id: str) -> bool:
    """Whether a case id can name a folder or file without leading elsewhere."""
    return re.fullmatch(NAME_PATTERN, case_id) is not None and ".." not in case_id


def find_case_problems(cases: Iterable[Case], *, where: str = "cases.csv") -> list[str]:
    """Name every case that breaks a rule of the case table, read from `where`."""
    problems: list[str] = []
    seen: set[str] = set()
    split_of: dict[str, str] = {}
    for case in cases:
        if not is_safe_case_id(case.case_id):
            problems.append(
                f"case_id must be a plain name (letters, digits, '_', '.', '+', '-'), got {case.case_id!r}; {where}. "
                "Hint: it names a folder, so a path or '..' is refused."
            )
        if case.case_id in seen:
            problems.append(f"case_id must be unique, got {case.case_id!r} twice; {where}.")
        seen.add(case.case_id)
        problems += _find_split_problems(case, split_of)
    return problems


def _find_split_problems(case: Case, split_of: dict[str, str]) -> list[str]:
    if case.split is None:
        return []
    if case.split not in SPLITS:
        return [f"split must be one of {', '.join(SPLITS)}, got {case.split!r}; case {case.case_id!r}."]
    first = split_of.setdefault(case.subject_id, case.split)
    if first == case.split:
        return []
    return [
        f"a subject must be in one split only, got {first} and {case.split}; subject {case.subject_id!r}. "
        "Hint: a network tested on a subject that it was trained on looks better than it is."
    ]


def _to_case(row: Mapping[str, str | None]) -> Case:
    values = {key: (value or "").strip() for key, value in row.items()}
    case_id = values.pop("case_id")
    return Case(case_id=case_id, subject_id=values.pop("subject_id", "") or case_id, columns=values)
