from pathlib import Path

import pytest

from overread.adapters.storage import open_store
from overread.runs.reuse import finish_result, finish_results

KEY = "evaluations/first"


@pytest.fixture
def store(tmp_path) -> str:
    return str(tmp_path / "store")


def write(folder: Path, text: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "found.txt").write_text(text)
    return text


def test_a_result_is_computed_once_and_then_taken_from_the_store(store, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    assert finish_result(store, KEY, first, lambda: write(first, "computed")) == "computed"
    assert finish_result(store, KEY, second, lambda: write(second, "computed again")) is None
    assert (second / "found.txt").read_text() == "computed"


def test_what_an_interrupted_attempt_left_is_no_part_of_a_result(store, tmp_path):
    folder = tmp_path / "folder"
    write(folder / "half", "half")
    finish_result(store, KEY, folder, lambda: write(folder, "whole"))
    finish_result(store, KEY, tmp_path / "again", lambda: pytest.fail("the store has it"))
    assert [path.name for path in (tmp_path / "again").iterdir()] == ["found.txt"]


def test_a_computation_that_fails_leaves_nothing_in_the_store(store, tmp_path):
    def fail() -> None:
        write(tmp_path / "folder", "half")
        raise ValueError("no subject is left")

    with pytest.raises(ValueError, match="no subject"):
        finish_result(store, KEY, tmp_path / "folder", fail)
    assert not open_store(store).contains(KEY)


def test_of_several_results_only_those_that_the_store_lacks_are_computed(store, tmp_path):
    folders = {name: tmp_path / "out" / name for name in ("old", "new", "newer")}
    finish_result(store, "predictions/old", tmp_path / "before", lambda: write(tmp_path / "before", "kept"))

    def compute(todo) -> None:
        for folder in todo:
            write(folder, f"computed {folder.name}")

    finish_results(store, {folder: f"predictions/{name}" for name, folder in folders.items()}, compute)
    found = {name: (folder / "found.txt").read_text() for name, folder in folders.items()}
    assert found == {"old": "kept", "new": "computed new", "newer": "computed newer"}
    assert open_store(store).list_keys("predictions") == ("predictions/new", "predictions/newer", "predictions/old")
