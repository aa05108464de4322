"""Work side by side in real processes."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import forkserver
from pathlib import Path

import pytest

from overread.runs.workers import Failure, attempt_side_by_side, run_side_by_side

_PATIENCE_SECONDS = 60

_PARENT = """
import os, signal, sys, time
from pathlib import Path
from overread.runs.workers import attempt_side_by_side, run_side_by_side

def work(folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)

def work_at_the_second_attempt(folder):
    mark = Path(folder).parent / "failed"
    if not mark.exists():
        mark.touch()
        raise ValueError("at first")
    work(folder)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    kind, folder = sys.argv[1:]
    if kind == "retried":
        list(attempt_side_by_side(work_at_the_second_attempt, [folder], processes=2, attempts=2))
    list(run_side_by_side(work, [folder] * 2, processes=2, needs_torch=kind == "forked"))
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


def test_workers_have_the_environment_that_this_process_has_when_it_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("first", "second"):
        monkeypatch.setenv("OVERREAD_TEST", value)
        assert list(run_side_by_side(os.getenv, ["OVERREAD_TEST"] * 2, processes=2)) == [value] * 2


@pytest.fixture
def no_server() -> None:
    """A process has one server at a time; that of an earlier test may have loaded something else."""
    forkserver._forkserver._stop()


@pytest.mark.usefixtures("no_server")
def test_a_worker_has_pytorch_before_it_begins_and_costs_less_than_a_second() -> None:
    list(run_side_by_side(_find_process, [0, 0], processes=2))
    for worker in run_side_by_side(_describe_worker, [0, 0], processes=2):
        assert worker.cpu_seconds <= 1
        assert {"torch", "monai", "overread.training.job", "overread.inference.ensemble"} <= worker.modules
        assert "torch._dynamo" not in worker.modules
        assert not worker.has_touched_gpu
        assert worker.server_threads == 1


def test_work_without_pytorch_does_not_load_it() -> None:
    for worker in run_side_by_side(_describe_worker, [0, 0], processes=2, needs_torch=False):
        assert "torch" not in worker.modules
        assert worker.cpu_seconds <= 2


def test_threads_may_open_pools_at_the_same_time() -> None:
    with ThreadPoolExecutor(2) as threads:
        tasks = [threads.submit(lambda: sorted(run_side_by_side(abs, [-1, -2], processes=2))) for _ in range(2)]
        assert [task.result() for task in tasks] == [[1, 2], [1, 2]]


def test_what_has_begun_is_done_when_a_failure_is_raised(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="begun"):
        list(run_side_by_side(_fail_or_finish, [(tmp_path, True), (tmp_path, False)], processes=2))
    assert (tmp_path / "finished").exists()


def test_workers_end_when_nobody_waits_for_their_results(tmp_path: Path) -> None:
    results = run_side_by_side(_return_or_hang, [(tmp_path, False), (tmp_path, True)], processes=2)
    next(results)
    hanging = int((tmp_path / "hanging").read_text(encoding="utf-8"))
    assert is_running(hanging)
    assert isinstance(results, Generator)
    results.close()
    wait_until(lambda: not is_running(hanging))


@pytest.mark.parametrize(
    ("kind", "number", "reaches_all"),
    [
        ("forked", signal.SIGINT, True),
        ("forked", signal.SIGINT, False),
        ("forked", signal.SIGTERM, False),
        ("forked", signal.SIGKILL, False),
        ("retried", signal.SIGINT, False),
        ("spawned", signal.SIGINT, False),
        ("spawned", signal.SIGKILL, False),
    ],
)
def test_no_process_outlives_the_one_that_needs_it(
    kind: str, number: signal.Signals, reaches_all: bool, tmp_path: Path
) -> None:
    script, folder = tmp_path / "parent.py", tmp_path / "workers"
    script.write_text(_PARENT, encoding="utf-8")
    folder.mkdir()
    count = 1 if kind == "retried" else 2
    with subprocess.Popen([sys.executable, str(script), kind, str(folder)], start_new_session=True) as parent:
        wait_until(lambda: len(list(folder.iterdir())) == count)
        assert {int(path.name) for path in folder.iterdir()} < set(list_session(parent.pid))
        if reaches_all:
            os.killpg(parent.pid, number)
        else:
            parent.send_signal(number)
        wait_until(lambda: not list_session(parent.pid))
        assert parent.wait() != 0


def list_session(leader: int) -> list[int]:
    """The processes that run in the session of a process, itself included."""
    processes = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [process for process in processes if read_session(process) == leader]


def read_session(process: int) -> int | None:
    """The session of a process; None if it has ended, zombies included."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, _, _, session, *_ = status.rpartition(")")[2].split()
    return None if state in "ZX" else int(session)


def is_running(process: int) -> bool:
    return read_session(process) is not None


def wait_until(condition: object) -> None:
    assert callable(condition)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@dataclass(frozen=True)
class _Worker:
    cpu_seconds: float
    modules: frozenset[str]
    has_touched_gpu: bool
    server_threads: int


def _describe_worker(_: int) -> _Worker:
    seconds, modules = time.process_time(), frozenset(sys.modules)
    gpu = sys.modules["torch"].cuda.is_initialized() if "torch" in modules else False
    return _Worker(seconds, modules, gpu, len(list(Path(f"/proc/{os.getppid()}/task").iterdir())))


def _fail_or_finish(task: tuple[Path, bool]) -> None:
    folder, fails = task
    mark = folder / ("fails" if fails else "begun")
    mark.touch()
    other = folder / ("begun" if fails else "fails")
    wait_until(other.exists)
    if fails:
        raise ValueError("the other has begun")
    (folder / "finished").touch()


def _return_or_hang(task: tuple[Path, bool]) -> None:
    folder, hangs = task
    mark = folder / "hanging"
    if hangs:
        unfinished = folder / "unfinished"
        unfinished.write_text(str(os.getpid()), encoding="utf-8")
        unfinished.rename(mark)
        time.sleep(600)
    wait_until(mark.exists)


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
