"""Work side by side in real processes."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from overread.steps.workers import run_side_by_side

_PATIENCE_SECONDS = 60

_PARENT = """
import os, sys, time
from pathlib import Path
from overread.steps.workers import run_side_by_side

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
