"""Second readings: a source that says whose first reading it repeats."""

from pathlib import Path

import pytest

from overread.errors import SettingsError
from overread.study.schema import StudySettings

FIRST, SECOND = {"kind": "human"}, {"kind": "human", "rereads": "ann"}


def parse(**sources: dict[str, str]) -> StudySettings:
    values = {"name": "s", "dimensions": 2, "modality": "CT", "channels": ["ct"], "target": "liver", "sources": sources}
    return StudySettings.parse(values, where="study.yaml")


def test_a_study_tells_which_sources_are_second_readings() -> None:
    settings = parse(ann=FIRST, ben=FIRST, again=SECOND, third=SECOND)
    assert settings.rereads == {"again": "ann", "third": "ann"}
    assert parse(ann=FIRST).rereads == {}


def test_second_readings_survive_being_written(tmp_path: Path) -> None:
    settings = parse(ann=FIRST, again=SECOND)
    settings.write_yaml(tmp_path / "study.yaml")
    assert StudySettings.read_yaml(tmp_path / "study.yaml") == settings


def test_a_study_without_second_readings_is_written_without_a_word_of_them(tmp_path: Path) -> None:
    parse(ann=FIRST).write_yaml(tmp_path / "study.yaml")
    assert "rereads" not in (tmp_path / "study.yaml").read_text()


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({"again": SECOND}, r"sources.again.rereads must be a source of the study \(again\), got 'ann'"),
        ({"ann": SECOND}, "must be a first reading by the same rater, got 'ann'"),
        (
            {"ann": FIRST, "again": SECOND, "third": {"kind": "human", "rereads": "again"}},
            "a first reading .* got 'again'",
        ),
    ],
)
def test_a_second_reading_needs_a_first(sources: dict[str, dict[str, str]], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse(**sources)


def test_a_second_reading_whose_first_is_left_out_is_a_source_like_any_other() -> None:
    settings = parse(ann=FIRST, ben=FIRST, again=SECOND)
    assert settings.keep_sources(["again", "ben"]) == parse(again=FIRST, ben=FIRST)
    assert settings.keep_sources(["ann", "again"]) == parse(ann=FIRST, again=SECOND)
