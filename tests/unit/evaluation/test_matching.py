import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.questions.acquisition_bias.matching import (
    MatchedSubject,
    Matching,
    match_subjects,
    name_age_band,
    parse_age,
)
from overread.questions.acquisition_bias.probe_settings import ProbeMatchingSettings

SETTINGS = ProbeMatchingSettings()


def make(label: str, ages: list[float | None], sex: str = "unknown") -> list[MatchedSubject]:
    return [
        MatchedSubject(f"{label}{sex}{index}", label, age, sex, (f"{label}{sex}{index}-1", f"{label}{sex}{index}-2"))
        for index, age in enumerate(ages)
    ]


def match(subjects: list[MatchedSubject], fewest: int = 1) -> Matching:
    return match_subjects(subjects, SETTINGS, fewest=fewest, seed=0)


def test_each_age_band_keeps_as_many_of_each_class_as_the_class_with_fewest_has() -> None:
    # Fifties: 3 against 1; sixties: 1 against 2. One pair is kept of each.
    found = match(make("a", [50, 55, 59, 60]) + make("b", [51, 62, 69]))
    assert found.outcome == "matched"
    assert [profile.bands for profile in found.after] == [{"50–59": 1, "60–69": 1}] * 2
    assert found.kept_share == pytest.approx(4 / 6)
    assert len(found.dropped_cases) == 2 * 3


def test_sexes_are_matched_within_age_bands() -> None:
    subjects = make("a", [50, 51], "F") + make("a", [52], "M") + make("b", [53], "F") + make("b", [54, 55], "M")
    found = match(subjects)
    assert found.columns == ("age", "sex")
    assert [profile.sexes for profile in found.after] == [{"F": 1, "M": 1}] * 2


def test_subjects_of_unknown_age_are_matched_with_each_other() -> None:
    found = match(make("a", [50, None, None]) + make("b", [50, None]))
    assert [profile.bands for profile in found.after] == [{"50–59": 1, "unknown": 1}] * 2


def test_classes_of_different_age_cannot_be_matched_and_nothing_is_dropped() -> None:
    found = match(make("a", [30, 31, 32]) + make("b", [70, 71, 33]))
    assert (found.outcome, found.dropped_cases) == ("impossible", ())
    assert found.kept_share == pytest.approx(1 / 3)
    assert found.after == found.before


def test_too_few_for_the_folds_cannot_be_matched() -> None:
    subjects = make("a", [50, 51, 52, 53]) + make("b", [50, 51, 52, 70])
    assert match(subjects, fewest=3).outcome == "matched"
    assert match(subjects, fewest=4).outcome == "impossible"


def test_a_table_without_age_and_sex_is_said_to_have_neither() -> None:
    found = match(make("a", [None]) + make("b", [None, None]))
    assert (found.outcome, found.columns) == ("no-columns", ())
    assert [profile.subject_count for profile in found.after] == [1, 2]


def test_profiles_hold_mean_and_standard_deviation_over_subjects() -> None:
    (profile,) = match(make("a", [50, 70, None])).before
    assert profile.age_mean == 60
    assert profile.age_std == pytest.approx(200**0.5)
    assert (profile.subject_count, profile.case_count) == (3, 6)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(20, 90), st.sampled_from("FM")), min_size=3, max_size=60))
def test_matched_classes_are_alike_whatever_they_were(drawn: list[tuple[str, int, str]]) -> None:
    subjects = [MatchedSubject(f"s{i}", label, age, sex, (f"c{i}",)) for i, (label, age, sex) in enumerate(drawn)]
    found = match(subjects)
    if found.outcome == "matched":
        first, *others = found.after
        assert all((one.bands, one.sexes) == (first.bands, first.sexes) for one in others)
        assert sum(one.case_count for one in found.after) + len(found.dropped_cases) == len(subjects)
    else:
        assert found.after == found.before


def test_the_draw_depends_on_the_seed_alone() -> None:
    subjects = make("a", [50.0] * 9) + make("b", [50.0] * 6)
    assert match(subjects) == match(subjects[::-1]).model_copy(update={"dropped_cases": match(subjects).dropped_cases})
    draws = {match_subjects(subjects, SETTINGS, fewest=1, seed=seed).dropped_cases for seed in range(5)}
    assert len(draws) > 1


@pytest.mark.parametrize(("age", "band"), [(67.0, "60–69"), (60.0, "60–69"), (9.9, "0–9"), (None, "unknown")])
def test_ages_lie_in_bands_of_ten_years(age: float | None, band: str) -> None:
    assert name_age_band(age, 10) == band


@pytest.mark.parametrize(
    ("text", "age"), [("67", 67.0), ("1.5", 1.5), ("", None), ("old", None), ("nan", None), ("-1", None)]
)
def test_a_cell_that_is_no_age_is_unknown(text: str, age: float | None) -> None:
    assert parse_age(text) == age
