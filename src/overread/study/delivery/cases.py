"""The rows that new cases add to `cases.csv`, and its old rows, which stay as they are byte for byte."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from overread.errors import describe_problem
from overread.study.cases import Case, find_case_problems
from overread.study.delivery.files import AnnotationFiles
from overread.study.study import CASES_FILE, Study

_OWN_COLUMNS = ("case_id", "subject_id")


@dataclass(frozen=True)
class NewCases:
    """Cases that the study lacks.

    Attributes:
        cases: in the order that they are appended in.
        problems: what is wrong with them, or with rows of cases that the study has.
        notes: what else someone should know.
    """

    cases: tuple[Case, ...]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


def plan_new_cases(study: Study, files: AnnotationFiles) -> NewCases:
    """Give every image that comes without a case in the study its row, from the table if there is one."""
    known = {case.case_id: case for case in study.cases}
    with_image = [case_id for case_id in files.images if case_id not in known]
    header = _read_header(study.root / CASES_FILE)
    if files.rows is None:
        cases = [Case(case_id, case_id) for case_id in with_image]
        problems: list[str] = []
    else:
        cases = [row for row in files.rows if row.case_id not in known]
        problems = [*_find_column_problems(files.rows, header), *_find_changed_rows(files.rows, known)]
        problems += _find_incomplete_cases(cases, with_image)
    problems += find_case_problems([*study.cases, *cases], where="the new cases and cases.csv")
    return NewCases(tuple(cases), tuple(problems), _note_empty_columns(cases, header))


def append_cases(path: Path, cases: Sequence[Case]) -> None:
    """Append rows to a case table, which is replaced as a whole; what it holds keeps its bytes."""
    content = path.read_bytes()
    line_break = "\r\n" if b"\r\n" in content else "\n"
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_break)
    for case in cases:
        values = {"case_id": case.case_id, "subject_id": case.subject_id, **case.columns}
        writer.writerow([values.get(name, "") for name in _read_header(path)])
    joint = b"" if content.endswith(b"\n") else line_break.encode()
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(content + joint + text.getvalue().encode("utf-8"))
    partial.replace(path)


def _read_header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [name.strip() for name in next(row for row in csv.reader(file) if row)]


def _find_column_problems(rows: Sequence[Case], header: Sequence[str]) -> list[str]:
    unknown = [name for name in rows[0].columns if name not in header]
    if "subject_id" not in header and any(row.subject_id != row.case_id for row in rows):
        unknown.append("subject_id")
    hint = f"known: {', '.join(header)}; add a column to cases.csv first, with a value for every row"
    return [
        describe_problem("a column of the new cases must be one of cases.csv", found=repr(name), hint=hint)
        for name in unknown
    ]


def _find_changed_rows(rows: Sequence[Case], known: dict[str, Case]) -> list[str]:
    hint = f"leave the row out, or edit {CASES_FILE} and record it with `overread study commit`"
    return [
        describe_problem(
            "the row of a case that the study has must stay as it is",
            found="other values",
            where=f"case {row.case_id!r}",
            hint=hint,
        )
        for row in rows
        if row.case_id in known and not _is_same(row, known[row.case_id])
    ]


def _is_same(row: Case, known: Case) -> bool:
    subject_ids = (known.subject_id, row.case_id)  # a row without a subject has its case_id as subject_id
    return row.subject_id in subject_ids and all(known.columns.get(key, "") == v for key, v in row.columns.items())


def _find_incomplete_cases(cases: Sequence[Case], with_image: Sequence[str]) -> list[str]:
    row_ids = {case.case_id for case in cases}
    without_image = [case.case_id for case in cases if case.case_id not in with_image]
    problems = [
        describe_problem("a new case must have an image", found="none", where=f"case {case_id!r}", hint="see --images")
        for case_id in without_image
    ]
    return problems + [
        describe_problem("a new image must have a row in the table of cases", found="none", where=f"case {case_id!r}")
        for case_id in with_image
        if case_id not in row_ids
    ]


def _note_empty_columns(cases: Sequence[Case], header: Sequence[str]) -> tuple[str, ...]:
    further = [name for name in header if name not in _OWN_COLUMNS]
    empty = [name for name in further if cases and not all(case.columns.get(name) for case in cases)]
    if not empty:
        return ()
    return (f"cases.csv has values missing for new cases, in {', '.join(empty)}; give them with --cases",)
