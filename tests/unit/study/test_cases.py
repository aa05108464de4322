import pytest

from overread.errors import StudyError
from overread.study.cases import Case, find_case_problems, is_safe_case_id, read_cases, write_cases


def read_text(tmp_path, text):
    (tmp_path / "cases.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_cases(tmp_path / "cases.csv")


def test_a_case_without_subject_is_its_own_subject(tmp_path):
    assert read_text(tmp_path, "case_id,subject_id\na,\nb,s\n") == (Case("a", "a"), Case("b", "s"))


def test_a_byte_order_mark_and_spaces_are_left_out(tmp_path):
    (case,) = read_text(tmp_path, b"\xef\xbb\xbfcase_id,site\n a , x \n")
    assert case == Case("a", "a", {"site": "x"})


def test_a_table_reads_back_as_it_was_written(tmp_path):
    cases = (Case("a", "s", {"site": 'x, "y"'}), Case("b", "s", {"site": "ü"}))
    write_cases(tmp_path / "cases.csv", cases)
    assert read_cases(tmp_path / "cases.csv") == cases


@pytest.mark.parametrize("case_id", ["a", "s1_0", "A.b", "1-2+3"])
def test_plain_names_are_safe(case_id):
    assert is_safe_case_id(case_id)


@pytest.mark.parametrize("case_id", ["", ".", "..", "a..b", "../a", "/a", "a/b", "a\\b", ".a", "-a", "a b", "a\n", "ä"])
def test_names_that_lead_elsewhere_are_not_safe(case_id):
    assert not is_safe_case_id(case_id)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have a column case_id and at least one row"),
        ("case_id\n", "must have a column case_id and at least one row"),
        ("case_id;site\na;x\n", "Hint: the separator is a comma"),
        (b"case_id\n\xff\n", "must be UTF-8 text"),
        ("case_id,site\na,x,y\n", "a row of cases.csv must not be longer than its header; case 'a'"),
        ("case_id\n../a\n", "case_id must be a plain name"),
        ("case_id\na\na\n", "case_id must be unique, got 'a' twice"),
        ("case_id,split\na,dev\n", "split must be one of train, validation, test, got 'dev'; case 'a'"),
    ],
)
def test_each_fault_is_told(tmp_path, text, message):
    with pytest.raises(StudyError) as caught:
        read_text(tmp_path, text)
    assert message in str(caught.value)


def test_a_subject_in_two_splits_is_told_once_per_case():
    cases = [Case(name, "s", {"split": split}) for name, split in (("a", "train"), ("b", "test"), ("c", "train"))]
    (problem,) = find_case_problems(cases)
    assert problem.startswith("a subject must be in one split only, got train and test; subject 's'.")
