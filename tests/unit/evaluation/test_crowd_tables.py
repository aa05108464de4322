"""Reading ratings and outcomes as people save them."""

import numpy as np
import pytest

from overread.errors import InputError
from overread.study.cases import Case
from overread.study.outcomes import build_outcome, read_outcomes, select_outcome
from overread.study.ratings_table import ColumnPattern, guess_pattern, read_ratings

WIDE = "ID;Color_7_1;Border_7_1;Color_7_2;Border_7_2\na;1;2;3;4\nb;5;6;NaN;8\n"
LONG = """case_id,annotator,feature,value
a,1,Color,1
a,1,Border,2
a,2,Color,3
a,2,Border,4
b,1,Color,5
b,1,Border,6
b,2,Border,8
"""


def write(tmp_path, text, name="ratings.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path / name


@pytest.mark.parametrize("text", [WIDE, LONG, "\ufeff" + WIDE.replace(";", ","), WIDE.replace(";", "\t")])
def test_a_long_and_a_wide_table_give_the_same_ratings(tmp_path, text):
    table = read_ratings(write(tmp_path, text))
    assert (table.case_ids, table.annotators, table.features) == (("a", "b"), ("1", "2"), ("Color", "Border"))
    np.testing.assert_array_equal(table.values, [[[1, 2], [3, 4]], [[5, 6], [np.nan, 8]]])


def test_the_pattern_is_guessed_and_shown(tmp_path):
    assert read_ratings(write(tmp_path, WIDE)).layout == "{feature}_7_{annotator}"
    assert read_ratings(write(tmp_path, LONG)).layout == "long"


@pytest.mark.parametrize(
    ("columns", "pattern"),
    [
        (["lesion_burden_1", "border_1", "lesion_burden_2", "border_2"], "{feature}_{annotator}"),
        (["rater1-colour", "rater2-colour"], "{annotator}-{feature}"),
        (["1_v2_size", "1_v2_shape", "2_v2_size", "2_v2_shape"], "{annotator}_v2_{feature}"),
        (["colour 1", "colour 2"], "{feature} {annotator}"),
    ],
)
def test_patterns_of_many_habits_are_guessed(columns, pattern):
    assert guess_pattern(columns, where="t").text == pattern


def test_a_feature_takes_as_much_of_a_name_as_it_can():
    assert ColumnPattern("{feature}_{annotator}").match("lesion_burden_ann") == ("lesion_burden", "ann")


def test_a_given_pattern_leaves_other_columns_out_and_names_them(tmp_path):
    text = "case_id,colour_ann,colour_ben,age\na,1,2,40\nb,2,1,50\n"
    table = read_ratings(write(tmp_path, text), pattern="{feature}_{annotator}")
    assert (table.annotators, table.ignored) == (("ann", "ben"), ("age",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (WIDE.replace("a;1;", "a;high;"), r"must be a number, got 'high'; ratings\.csv, column Color_7_1, case 'a'"),
        (WIDE.replace("a;1;", "a;1,5;"), r"point before its decimals, got '1,5'; .*case 'a'\. Hint: write 1\.5"),
        (WIDE.replace("a;1;", "a;inf;"), "must be a number, got 'inf'"),
        (LONG.replace("a,1,Color,1\n", "a,1,Color,1,5\n"), "as many values as the header, 4, got 5; .*a comma"),
        (
            WIDE.replace("Color_7_2", "Color_7_1"),
            "must stand once in the header, got 'Color_7_1' 2 times; .*annotators",
        ),
        (LONG + "a,1,Color,2\n", "must rate a feature of a case once, got two ratings; .*case 'a', annotator '1'"),
        (WIDE + "a;1;1;1;1\n", "must name a case of its own, got 'a'; ratings.csv, line 4"),
        (
            LONG.replace("b,2,Border,8\n", "").replace("a,2,Border,4\n", ""),
            "rated every feature, got '2' lacks 'Border'",
        ),
        ("case_id,colour_1\na,1\nb,2\n", "must be named by feature and numbered annotator"),
        ("case_id,annotator,feature,value\na,1,Color,1\n", "from at least two annotators, got 1"),
        ("case_id,x\n", "a header and at least one row, got 1"),
        ("case_id\na\n", "at least two columns"),
    ],
)
def test_bad_ratings_are_one_clear_message(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_ratings(write(tmp_path, text))


def test_a_missing_file_and_a_foreign_encoding_are_named(tmp_path):
    with pytest.raises(InputError, match=r"must exist, got .*none\.csv"):
        read_ratings(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("case_id,größe_1\na,1\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"UTF-8 text; latin\.csv"):
        read_ratings(tmp_path / "latin.csv")


@pytest.mark.parametrize("pattern", ["{feature}", "{feature}_{rater}", "{feature}_{annotator}_{annotator}"])
def test_a_pattern_without_feature_and_annotator_is_refused(pattern):
    with pytest.raises(InputError, match=r"must hold \{feature\} and \{annotator\} once each"):
        ColumnPattern(pattern)


def test_a_pattern_that_fits_nothing_shows_the_columns(tmp_path):
    with pytest.raises(InputError, match=r"must fit the pattern.*Hint: columns: Color_7_1, Border_7_1"):
        read_ratings(write(tmp_path, WIDE), pattern="{annotator}:{feature}")


@pytest.mark.parametrize(
    ("values", "positive"), [("0 1 0", "1"), ("no yes no", "yes"), ("benign malignant", "malignant"), ("F M M", "M")]
)
def test_the_positive_class_is_chosen_by_its_name(values, positive):
    values = dict(enumerate(values.split()))
    outcome = build_outcome({str(key): value for key, value in values.items()}, column="x", positive="", where="t")
    assert outcome.positive == positive
    assert [outcome.by_case[str(key)] for key in values] == [value == positive for value in values.values()]


def test_a_named_positive_class_wins_and_unknown_outcomes_are_kept_apart():
    outcome = build_outcome({"a": "0", "b": "1", "c": "", "d": "NaN"}, column="x", positive="0", where="t")
    assert (outcome.positive, outcome.negative, outcome.by_case) == ("0", "1", {"a": True, "b": False})
    assert outcome.without == ("c", "d")


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("id,x\na,1\nb,1\n", {}, r"must have two classes, got 1 \(1\); o\.csv, column x"),
        ("id,x\na,1\nb,2\nc,3\n", {}, r"must have two classes, got 3 \(1, 2, 3\)"),
        ("id,x,y\na,1,2\nb,2,1\n", {}, "must be named; o.csv. Hint: columns: x, y"),
        ("id,x\na,1\nb,2\n", {"column": "z"}, "must be one of the table, got 'z'"),
        ("id,x\na,1\nb,2\n", {"positive": "3"}, "must be a value of the outcome, got '3'.*values: 1, 2"),
    ],
)
def test_bad_outcomes_are_one_clear_message(tmp_path, text, arguments, message):
    with pytest.raises(InputError, match=message):
        read_outcomes(write(tmp_path, text, "o.csv"), **arguments)


def test_subjects_are_read_beside_the_outcome(tmp_path):
    path = write(tmp_path, "case_id,subject_id,split,x\na,s,test,1\nb,s,test,0\nc,,test,0\n", "o.csv")
    outcome = read_outcomes(path)
    assert (outcome.column, outcome.subject_of) == ("x", {"a": "s", "b": "s", "c": "c"})


def test_an_outcome_can_be_a_column_of_the_case_table():
    cases = (Case("a", "s1", {"sex": "F", "split": "test"}), Case("b", "s2", {"sex": "M"}), Case("c", "s3"))
    assert select_outcome(cases, column="sex").by_case == {"a": False, "b": True}
    with pytest.raises(InputError, match=r"a column of the case table, got 'age'.*Hint: columns: sex"):
        select_outcome(cases, column="age")
