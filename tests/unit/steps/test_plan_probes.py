from pathlib import Path

import pytest

from overread.errors import InputError, SettingsError
from overread.questions.acquisition_bias.presets import read_probe_preset
from overread.questions.acquisition_bias.steps.plan_probes import ProbeChoice
from overread.questions.acquisition_bias.steps.plan_probes import plan_probes as make_plan
from overread.questions.acquisition_bias.steps.probe_plan import ProbePlan
from overread.study.cases import Case, write_cases
from overread.study.study import Study
from tests.unit.vendor_studies import make_probe_preset, write_vendors


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return write_vendors(tmp_path_factory.mktemp("plan") / "study")


@pytest.fixture
def preset(tmp_path: Path) -> str:
    make_probe_preset().write_yaml(tmp_path / "tiny.yaml")
    return str(tmp_path / "tiny.yaml")


def change(study: Study, root: Path, column: str, values: dict[str, str]) -> Study:
    """The same study with other values in a column; images are not needed for a plan."""
    cases = [
        Case(case.case_id, case.subject_id, {**case.columns, column: values.get(case.subject_id, case.columns[column])})
        for case in study.cases
    ]
    root.mkdir()
    study.settings.write_yaml(root / "study.yaml")
    write_cases(root / "cases.csv", cases)
    (root / "images").symlink_to(study.root / "images")
    return Study.open(root)


def test_a_plan_is_written_and_read_again(study: Study, preset: str, tmp_path: Path) -> None:
    made = make_plan(study, ProbeChoice(column="vendor", preset=preset), revision="abc")
    made.write(tmp_path / "new" / "plan.json")
    assert ProbePlan.read(tmp_path / "new" / "plan.json") == made
    assert (made.classes, made.revision, len(made.folds)) == (("Alpha", "Beta"), "abc", 4)
    assert made.case_ids == study.case_ids


def test_a_shuffle_gives_other_classes_to_the_same_subjects_for_every_region(study: Study, preset: str) -> None:
    made = make_plan(study, ProbeChoice(column="vendor", preset=preset), revision="")
    made = made.model_copy(update={"preset": made.preset.model_copy(update={"shuffles": 19})})
    assert len(made.jobs) == 4 * 4 * 20
    assert made.jobs[-1].name == "noise-fold3-shuffle19"
    whole, body = (made.find_fold(made.find_job(f"{region}-fold2-shuffle7")) for region in ("whole", "body"))
    assert whole == body
    true, first, second = (
        {case.subject_id: case.label for fold in folds for case in fold.test}
        for folds in (made.folds, made.shuffle_folds(1), made.shuffle_folds(2))
    )
    assert set(true) == set(first) == set(second)
    assert true != first != second != true
    assert sorted(true.values()) == sorted(first.values())


@pytest.mark.parametrize(("subjects", "folds"), [([20, 20], 10), ([39, 0], 5), ([30, 9], 5), ([35, 9], 5)])
def test_ten_folds_take_forty_subjects_and_ten_of_each_class(subjects: list[int], folds: int) -> None:
    assert read_probe_preset("small").choose_folds(subjects) == folds
    assert read_probe_preset("small").model_copy(update={"folds": 7}).choose_folds(subjects) == 7


def test_age_and_sex_are_matched_where_the_table_has_them(study: Study, preset: str) -> None:
    matching = make_plan(study, ProbeChoice(column="vendor", preset=preset), revision="").matching
    assert (matching.outcome, matching.columns, matching.dropped_cases) == ("matched", ("age", "sex"), ())
    assert [profile.bands for profile in matching.after] == [{"50–59": 5, "60–69": 3}] * 2


def test_cases_that_matching_drops_are_in_no_fold(study: Study, preset: str, tmp_path: Path) -> None:
    older = change(study, tmp_path / "older", "age", {"s01": "90", "s03": "91"})
    made = make_plan(older, ProbeChoice(column="vendor", preset=preset), revision="")
    assert made.matching.outcome == "matched"
    # Beta's two of the youngest band are 90 now: Alpha loses two of them, Beta the two old ones.
    assert len(made.matching.dropped_cases) == 8
    assert set(made.case_ids).isdisjoint(made.matching.dropped_cases)
    assert len(made.case_ids) == 24


def test_classes_can_be_chosen_and_the_rest_is_counted(study: Study, preset: str) -> None:
    choice = ProbeChoice(column="site", preset=preset, classes=("south", "north"), folds=3)
    made = make_plan(study, choice, revision="")
    assert made.classes == ("north", "south")
    assert len(made.unlabelled_cases) == 8
    assert (made.preset.folds, made.preset.validation_folds) == (3, 1)


def test_cases_without_a_class_are_left_out(study: Study, preset: str, tmp_path: Path) -> None:
    gaps = change(study, tmp_path / "gaps", "vendor", {"s00": "", "s01": ""})
    assert make_plan(gaps, ProbeChoice(column="vendor", preset=preset), revision="").unlabelled_cases == (
        "c00a",
        "c00b",
        "c01a",
        "c01b",
    )


def test_an_unknown_column_is_answered_with_the_known_ones(study: Study, preset: str) -> None:
    with pytest.raises(
        InputError, match=r"must be one of cases\.csv, got 'scanner'\. Hint: there are vendor, site, age"
    ):
        make_plan(study, ProbeChoice(column="scanner", preset=preset), revision="")


def test_a_column_of_one_class_is_refused(study: Study, preset: str, tmp_path: Path) -> None:
    one = change(study, tmp_path / "one", "vendor", {f"s{index:02}": "Alpha" for index in range(16)})
    with pytest.raises(InputError, match=r"at least two classes to tell apart, got 'Alpha' \(32\); column 'vendor'"):
        make_plan(one, ProbeChoice(column="vendor", preset=preset), revision="")


def test_a_class_of_two_cases_is_refused_by_name(study: Study, preset: str, tmp_path: Path) -> None:
    few = change(study, tmp_path / "few", "vendor", {"s00": "Gamma"})
    with pytest.raises(InputError, match=r"every class must have at least 4 subjects, .* got 'Gamma' of 1\."):
        make_plan(few, ProbeChoice(column="vendor", preset=preset), revision="")


def test_an_unknown_class_is_answered_with_the_known_ones(study: Study, preset: str) -> None:
    with pytest.raises(
        InputError, match=r"classes must be values of vendor, got 'Delta'\. Hint: there are 'Alpha' \(16\)"
    ):
        make_plan(study, ProbeChoice(column="vendor", preset=preset, classes=("Alpha", "Delta")), revision="")


def test_two_folds_are_refused() -> None:
    with pytest.raises(SettingsError, match="folds"):
        ProbeChoice.parse({"column": "vendor", "folds": 2}, where="test")
