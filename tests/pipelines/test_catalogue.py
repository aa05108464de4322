"""Parameters of pipelines as a user types them, and the study that most of them need."""

from pathlib import Path

import pytest

from overread import questions
from overread.errors import SettingsError
from overread.evaluation.design import foresee
from overread.kubeflow.catalogue import PACKAGES, PIPELINES, find_pipeline, parse_arguments
from overread.kubeflow.local import run_locally
from tests.command_line import run_overread


@pytest.fixture
def rater_bias():
    return find_pipeline("rater-bias")


def test_values_take_the_type_of_the_parameter(rater_bias):
    assert parse_arguments(rater_bias, ["sources=a,b", "folds=5", "revision=12"]) == {
        "sources": "a,b",
        "folds": 5,
        "revision": "12",
    }


def test_the_run_form_of_rater_bias_says_what_two_designs_find(rater_bias):
    default, quick = (foresee(18, folds=folds, repeats=repeats) for folds, repeats in ((5, 2), (3, 1)))
    assert f"folds=5 repeats=2 finds a difference of about {default.smallest_detectable:.2f} Dice" in (
        rater_bias.description
    )
    assert f"folds=3 repeats=1 one of about {quick.smallest_detectable:.2f}" in rater_bias.description


def test_an_unknown_pipeline_names_the_known_ones():
    with pytest.raises(SettingsError, match=r"got 'rater-byas'.*known: .*rater-bias"):
        find_pipeline("rater-byas")


def test_an_unknown_parameter_names_the_known_ones(rater_bias):
    with pytest.raises(SettingsError, match=r"got 'fold'.*known: study, revision, sources"):
        parse_arguments(rater_bias, ["fold=5"])


@pytest.mark.parametrize("text", ["folds=three", "folds=2.5", "folds=true", "folds="])
def test_a_value_of_another_type_is_refused(rater_bias, text):
    with pytest.raises(SettingsError, match="folds must be of type int"):
        parse_arguments(rater_bias, [text])


def test_an_assignment_needs_an_equals_sign(rater_bias):
    with pytest.raises(SettingsError, match="NAME=VALUE, got 'folds'"):
        parse_arguments(rater_bias, ["folds"])


def test_a_pipeline_that_can_take_other_data_needs_no_study(rater_bias):
    assert rater_bias.needs_study
    assert not find_pipeline("crowd-disagreement").needs_study


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"^rater-bias must have a study\. Hint: name its folder after the pipeline\.$"),
        ({"study": "discs"}, "must be its second argument, got --set study=…"),
    ],
)
def test_a_local_run_that_lacks_its_study_is_refused_before_anything_is_written(
    rater_bias, arguments, message, tmp_path
):
    with pytest.raises(SettingsError, match=message):
        run_locally(rater_bias, None, arguments, workspace=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_every_question_with_a_room_is_in_the_catalogue_and_has_a_package_and_a_summary():
    rooms = {path.parents[1].name for path in Path(questions.__file__).parent.glob("*/steps/summary.py")}
    assert {pipeline.module for pipeline in PIPELINES.values()} == rooms
    assert {path.stem for path in PACKAGES.glob("*.yaml")} == set(PIPELINES)


def test_presets_of_a_question_are_described_and_a_question_without_any_has_none(rater_bias):
    found = find_pipeline("acquisition-bias").describe_presets()
    assert list(found) == ["name-that-manufacturer", "small"]
    assert all(text.endswith(".") for text in found.values())
    assert rater_bias.describe_presets() == {}


def test_presets_of_networks_are_listed_before_those_of_questions_by_the_pipelines_name():
    lines = run_overread("presets").stdout.splitlines()
    assert lines[0].startswith("cells: ")
    named = [line.split(": ")[0] for line in lines if ")" in line.split(": ")[0]]
    assert named == [
        "name-that-manufacturer (acquisition-bias)",
        "small (acquisition-bias)",
        "cheplygina2018 (crowd-disagreement)",
        "ratings (crowd-disagreement)",
    ]
