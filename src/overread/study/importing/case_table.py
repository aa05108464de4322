"""What `cases.csv` of the data set says about the cases of a plan."""

from dataclasses import replace
from pathlib import Path

from overread.study.cases import Case, find_case_problems, read_unchecked_cases
from overread.study.importing.plan import ImportPlan, PlannedCase
from overread.study.problem import describe_problem
from overread.study.study import CASES_FILE


def apply_case_table(source: Path, plan: ImportPlan) -> ImportPlan:
    """Add subjects and columns from the data set's `cases.csv`, if it has one, and put the cases in its order.

    Every image must then have a row, and every row an image.

    Raises:
        StudyError: `cases.csv` is no table with a column case_id.
    """
    path = source / CASES_FILE
    if not path.is_file():
        return _with_problems(plan, find_case_problems((case.case for case in plan.cases), where="file names"))
    rows = read_unchecked_cases(path)
    problems = find_case_problems(rows)
    planned_of = {planned.case.case_id: planned for planned in plan.cases}
    row_ids = {row.case_id for row in rows}
    problems += [
        describe_problem("a row of cases.csv must have an image", found="none", where=f"case {row.case_id!r}")
        for row in rows
        if row.case_id not in planned_of
    ]
    problems += [
        describe_problem("an image must have a row in cases.csv", found="none", where=f"case {case_id!r}")
        for case_id in planned_of
        if case_id not in row_ids
    ]
    unique = {row.case_id: row for row in rows if row.case_id in planned_of}
    cases = tuple(_merge(planned_of[case_id], row) for case_id, row in unique.items())
    return _with_problems(replace(plan, cases=cases), problems)


def _merge(planned: PlannedCase, row: Case) -> PlannedCase:
    own = planned.case
    subject_id = own.subject_id if row.subject_id == row.case_id else row.subject_id
    return replace(planned, case=Case(own.case_id, subject_id, {**own.columns, **row.columns}))


def _with_problems(plan: ImportPlan, problems: list[str]) -> ImportPlan:
    return replace(plan, problems=(*plan.problems, *problems))
