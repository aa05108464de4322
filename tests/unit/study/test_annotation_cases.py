"""New cases add rows to `cases.csv`; its old rows keep their bytes."""

from pathlib import Path

import pytest

from overread.study.cases import Case, read_cases
from overread.study.delivery.cases import append_cases, plan_new_cases
from overread.study.delivery.files import AnnotationFiles
from overread.study.study import Study
from tests.studies import write_squares

IMAGES = {"new1": {"grey": Path("new1.png")}, "new2": {"grey": Path("new2.png")}}


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Two cases of one subject each, with a column for the age."""
    root = write_squares(tmp_path / "study", case_count=2).root
    (root / "cases.csv").write_text("age,case_id,subject_id\n40,case00,p0\n,case01,p1\n")
    return Study.open(root)


def find_problems(study: Study, *rows: Case) -> list[str]:
    new = plan_new_cases(study, AnnotationFiles({}, IMAGES, rows))
    return [problem.partition(". Hint")[0].rstrip(".") for problem in new.problems]


def test_without_a_table_each_new_image_is_a_subject_of_its_own(study: Study) -> None:
    new = plan_new_cases(study, AnnotationFiles({}, {**IMAGES, "case00": {}}))
    assert new.cases == (Case("new1", "new1"), Case("new2", "new2"))
    assert new.problems == ()
    assert new.notes == ("cases.csv has values missing for new cases, in age; give them with --cases",)


def test_a_table_gives_subjects_and_columns_in_its_order(study: Study) -> None:
    rows = (Case("new2", "p1", {"age": "7"}), Case("case00", "p0", {"age": "40"}), Case("new1", "p9", {"age": "8"}))
    new = plan_new_cases(study, AnnotationFiles({}, IMAGES, rows))
    assert new.cases == (rows[0], rows[2])
    assert (new.problems, new.notes) == ((), ())


def test_rows_and_new_images_must_come_together(study: Study) -> None:
    assert find_problems(study, Case("new1", "a"), Case("new3", "b")) == [
        "a new case must have an image, got none; case 'new3'",
        "a new image must have a row in the table of cases, got none; case 'new2'",
    ]


def test_a_known_row_must_stay_as_it_is(study: Study) -> None:
    new = (Case("new1", "a"), Case("new2", "b"))
    assert find_problems(study, *new, Case("case01", "case01"), Case("case00", "p0", {"age": "40"})) == []
    for other in (Case("case00", "p0", {"age": "41"}), Case("case00", "p1")):
        (problem,) = find_problems(study, *new, other)
        assert "must stay as it is, got other values; case 'case00'" in problem


def test_a_column_that_the_study_lacks_is_a_problem(study: Study) -> None:
    (problem,) = find_problems(study, Case("new1", "a", {"sex": "f"}), Case("new2", "b", {"sex": "m"}))
    assert problem == "a column of the new cases must be one of cases.csv, got 'sex'"


def test_subjects_need_their_column(study: Study) -> None:
    (study.root / "cases.csv").write_text("case_id,age\ncase00,40\ncase01,41\n")
    study = Study.open(study.root)
    assert find_problems(study, Case("new1", "new1"), Case("new2", "new2")) == []
    (problem,) = find_problems(study, Case("new1", "a"), Case("new2", "new2"))
    assert problem.endswith("got 'subject_id'")


def test_unsafe_and_repeated_names_and_split_subjects_are_problems(study: Study) -> None:
    (study.root / "cases.csv").write_text("case_id,subject_id,split\ncase00,p0,train\ncase01,p1,test\n")
    study = Study.open(study.root)
    images = {"../x": {}, "new1": {}}
    rows = (Case("../x", "a"), Case("new1", "p0", {"split": "test"}), Case("new1", "p0", {"split": "train"}))
    problems = plan_new_cases(study, AnnotationFiles({}, images, rows)).problems
    assert ["plain name" in problems[0], "'new1' twice" in problems[2]] == [True, True]
    assert "a subject must be in one split only, got train and test" in problems[1]


@pytest.mark.parametrize(
    ("content", "joint", "row"),
    [
        (b"age,case_id,subject_id\n40,case00,p0\n", b"", b"7,n,\xc3\xa9\n"),
        (b"age,case_id,subject_id\n40,case00,p0", b"\n", b"7,n,\xc3\xa9\n"),
        (b"case_id, subject_id , age\ncase00, p0, 40\n", b"", b"n,\xc3\xa9,7\n"),
        (b'\xef\xbb\xbfcase_id,subject_id,age\r\n"case00",p0,40\r\n', b"", b"n,\xc3\xa9,7\r\n"),
    ],
)
def test_appending_keeps_every_byte_and_the_style_of_the_table(
    tmp_path: Path, content: bytes, joint: bytes, row: bytes
) -> None:
    path = tmp_path / "cases.csv"
    path.write_bytes(content)
    append_cases(path, [Case("n", "é", {"age": "7"})])
    assert path.read_bytes() == content + joint + row
    assert read_cases(path) == (Case("case00", "p0", {"age": "40"}), Case("n", "é", {"age": "7"}))
