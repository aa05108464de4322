"""Work side by side in real processes."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from overread.runs.workers import Failure, attempt_side_by_side, run_side_by_side

_PATIENCE_SECONDS = 60

_PARENT = """
import os, sys, time
from pathlib import Path
from overread.runs.workers import Failure, attempt_side_by_side, run_side_by_side

def work(folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    list(run_side_by_side(work, [sys.argv[1]] * 2, processes=2))
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_every_argument_gets_its_result(processes: int) -> None:
    assert sorted(run_side_by_side(math.sqrt, [9, 4, 1], processes=processes)) == [1, 2, 3]


def test_one_argument_or_one_process_stays_in_this_process() -> None:
    assert list(run_side_by_side(_find_process, [0], processes=8)) == [os.getpid()]
    assert list(run_side_by_side(_find_process, [0, 0], processes=1)) == [os.getpid()] * 2
    assert os.getpid() not in list(run_side_by_side(_find_process, [0, 0], processes=2))


def test_no_argument_is_no_work() -> None:
    assert list(run_side_by_side(math.sqrt, [], processes=4)) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_a_failure_is_raised_as_it_is(processes: int) -> None:
    with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
        list(run_side_by_side(math.sqrt, [4, -1, 9], processes=processes))


def test_workers_use_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert list(run_side_by_side(os.getenv, ["OMP_NUM_THREADS"] * 2, processes=2)) == ["1", "1"]


def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    script, folder = tmp_path / "parent.py", tmp_path / "workers"
    script.write_text(_PARENT, encoding="utf-8")
    folder.mkdir()
    with subprocess.Popen([sys.executable, str(script), str(folder)]) as parent:
        wait_until(lambda: len(list(folder.iterdir())) == 2)
        workers = [int(path.name) for path in folder.iterdir()]
        assert all(map(is_running, workers))
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(is_running, workers)))


def wait_until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in "ZX"


def _find_process(_: int) -> int:
    return os.getpid()


def _fail_until(task: tuple[str, int]) -> str:
    """Fail as often as the task says, each attempt leaving a file; a negative number kills the process instead."""
    folder, failures = Path(task[0]), task[1]
    attempt = len(list(folder.iterdir()))
    (folder / str(attempt)).touch()
    if attempt < abs(failures):
        if failures < 0:
            os._exit(9)
        raise ValueError(f"attempt {attempt}\nof {folder.name}")
    return folder.name


@pytest.fixture
def make_task(tmp_path: Path):
    def make(name: str, failures: int) -> tuple[str, int]:
        (tmp_path / name).mkdir()
        return str(tmp_path / name), failures

    return make


def test_what_fails_at_first_is_tried_again_and_the_rest_is_kept(make_task) -> None:
    tasks = [make_task("sound", 0), make_task("shaky", 2), make_task("broken", 9)]
    outcomes = list(attempt_side_by_side(_fail_until, tasks, processes=2, attempts=3))
    assert [outcome for outcome in outcomes if isinstance(outcome, str)] == ["sound", "shaky"]
    assert outcomes[-1] == Failure(tasks[2], "ValueError: attempt 2 of broken")


def test_a_process_that_dies_takes_no_other_work_down(make_task) -> None:
    tasks = [make_task("killer", -9), *(make_task(f"sound{index}", 0) for index in range(3))]
    outcomes = list(attempt_side_by_side(_fail_until, tasks, processes=2, attempts=2))
    assert sorted(outcome for outcome in outcomes if isinstance(outcome, str)) == ["sound0", "sound1", "sound2"]
    (failure,) = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    assert failure.argument == tasks[0]
    assert "BrokenProcessPool" in failure.reason
