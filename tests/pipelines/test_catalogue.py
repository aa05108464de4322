"""Parameters of pipelines as a user types them."""

import pytest

from overread.errors import SettingsError
from pipelines.catalogue import find_pipeline, parse_arguments


@pytest.fixture
def rater_bias():
    return find_pipeline("rater-bias")


def test_values_take_the_type_of_the_parameter(rater_bias):
    assert parse_arguments(rater_bias, ["sources=a,b", "folds=5", "revision=12"]) == {
        "sources": "a,b",
        "folds": 5,
        "revision": "12",
    }


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
