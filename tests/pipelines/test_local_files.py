"""Logs and outputs of local runs that share a workspace."""

from pathlib import Path
from types import SimpleNamespace

from overread.kubeflow.local import keep_outputs, open_log


def test_a_second_run_at_the_same_time_has_a_log_of_its_own(tmp_path: Path) -> None:
    with open_log(tmp_path / "logs", "retrain") as (first, one):
        with open_log(tmp_path / "logs", "retrain") as (second, other):
            one.write("first")
            other.write("second")
        assert (first.name, second.name) == ("retrain.log", "retrain-2.log")
    assert first.read_text() == "first"
    assert second.read_text() == "second"


def test_a_log_is_begun_anew_by_the_next_run(tmp_path: Path) -> None:
    for text in ("a long first text", "short"):
        with open_log(tmp_path, "retrain") as (path, file):
            file.write(text)
    assert path.name == "retrain.log"
    assert path.read_text() == "short"


def test_outputs_take_the_place_of_earlier_ones_and_leave_nothing_else(tmp_path: Path) -> None:
    for number in (1, 2):
        folder = tmp_path / f"masks{number}"
        folder.mkdir()
        (folder / f"{number}.txt").write_text(str(number))
        page = tmp_path / f"page{number}"
        page.write_text(f"page {number}")
        outputs = {"report": SimpleNamespace(path=str(page)), "masks": SimpleNamespace(path=str(folder))}
        keep_outputs(outputs, tmp_path / "latest" / "retrain")
    kept = tmp_path / "latest" / "retrain"
    assert (kept / "report.html").read_text() == "page 2"
    assert [path.name for path in (kept / "masks").iterdir()] == ["2.txt"]
    assert sorted(path.name for path in kept.iterdir()) == ["masks", "report.html"]
    assert [path.name for path in kept.parent.iterdir() if not path.name.endswith(".lock")] == ["retrain"]
