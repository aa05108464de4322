"""Leases, held by threads and by real processes of this machine, and by what is made to look like another machine."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from overread.adapters.folder_blobs import FolderBlobs
from overread.adapters.lease import Holder, holding_lease
from overread.adapters.storage import ResultStore, open_store

NAME = "work"
KEY = f"leases/{NAME}"
LONG = 600.0
"""Seconds that no test takes: who gets the lease sooner did not wait for its holder to go stale."""

HOLD = """
import sys, time
from overread.adapters.lease import holding_lease
from overread.adapters.storage import open_store
with holding_lease(open_store(sys.argv[1]), "work"):
    print("held", flush=True)
    time.sleep(600)
"""
COUNT = """
import sys, time
from pathlib import Path
from overread.adapters.lease import holding_lease
from overread.adapters.storage import open_store
store, counter = open_store(sys.argv[1]), Path(sys.argv[2])
for _ in range(int(sys.argv[3])):
    with holding_lease(store, "work"):
        found = int(counter.read_text())
        time.sleep(0.01)
        counter.write_text(str(found + 1))
"""


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return open_store(str(tmp_path / "store"))


@contextmanager
def running_holder(store: ResultStore) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the lease until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, store.url], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()


class Signs:
    """Counts how often somebody said that he waits."""

    def __init__(self) -> None:
        self.event, self.count = threading.Event(), 0

    def __call__(self) -> None:
        self.count += 1
        self.event.set()


def write_holder(store: ResultStore, folder: Path, holder: Holder, *, number: int = 1) -> None:
    path = folder / "holder"
    path.write_text(holder.model_dump_json(), encoding="utf-8")
    store.save_file(KEY, str(number), path)


def time_lease(store: ResultStore, signs: Callable[[], None] = lambda: None, *, stale_seconds: float = LONG) -> float:
    """Seconds until the lease is held."""
    began = time.monotonic()
    with holding_lease(store, NAME, on_waiting=signs, stale_seconds=stale_seconds):
        return time.monotonic() - began


def test_a_lease_that_nobody_holds_is_given_at_once(store: ResultStore) -> None:
    signs = Signs()
    time_lease(store, signs)
    assert signs.count == 0
    assert store.list_files(KEY) == ("1",)


def test_a_released_lease_is_free(store: ResultStore) -> None:
    signs = Signs()
    for _ in range(12):
        time_lease(store, signs)
    assert signs.count == 0
    assert len(store.list_files(KEY)) == 12


def test_a_lease_is_released_when_the_work_fails(store: ResultStore) -> None:
    signs = Signs()
    with pytest.raises(ZeroDivisionError), holding_lease(store, NAME):
        raise ZeroDivisionError
    time_lease(store, signs)
    assert signs.count == 0


def test_leases_of_other_names_do_not_wait_for_each_other(store: ResultStore) -> None:
    signs = Signs()
    with holding_lease(store, "other"):
        time_lease(store, signs)
    assert signs.count == 0


def test_whoever_waits_says_so_once_and_follows_the_release(store: ResultStore) -> None:
    signs, order = Signs(), []

    def wait() -> None:
        with holding_lease(store, NAME, on_waiting=signs):
            order.append("second")

    with holding_lease(store, NAME):
        thread = threading.Thread(target=wait)
        thread.start()
        assert signs.event.wait(10)
        time.sleep(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert signs.count == 1


def test_a_holder_that_beats_keeps_the_lease_for_as_long_as_it_works(store: ResultStore) -> None:
    """The waiting one would take a holder for dead after half a second of silence, the work takes twice that."""
    order = []

    def wait() -> None:
        time_lease(store, stale_seconds=0.5)
        order.append("second")

    with holding_lease(store, NAME, beat_seconds=0.05):
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(1.1)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_holder_of_this_machine_that_was_killed_is_followed_at_once(store: ResultStore) -> None:
    signs = Signs()
    with running_holder(store) as process:
        process.kill()  # not waited for: it is a zombie
        while process.stdout is not None and process.stdout.read(1):
            pass
        assert time_lease(store, signs) < LONG
        process.wait()
        assert time_lease(store, signs) < LONG


def test_a_holder_that_is_killed_while_others_wait_is_followed_at_once(store: ResultStore) -> None:
    signs, taken = Signs(), threading.Event()

    def wait() -> None:
        time_lease(store, signs)
        taken.set()

    with running_holder(store) as process:
        thread = threading.Thread(target=wait)
        thread.start()
        assert signs.event.wait(10)
        assert not taken.wait(0.2)
        process.kill()
        process.wait()
        assert taken.wait(10)
        thread.join()


def test_another_process_that_got_the_number_of_a_dead_holder_is_not_taken_for_it(
    store: ResultStore, tmp_path: Path
) -> None:
    here = Holder.describe_this_process()
    write_holder(store, tmp_path, here.model_copy(update={"started": "1"}))
    assert time_lease(store) < LONG


def test_a_holder_elsewhere_that_stays_silent_is_followed_when_it_is_stale(store: ResultStore, tmp_path: Path) -> None:
    signs = Signs()
    write_holder(store, tmp_path, Holder(machine="elsewhere", pid=os.getpid(), started="1"))
    assert time_lease(store, signs, stale_seconds=0.4) >= 0.4
    assert signs.count == 1


def test_a_holder_elsewhere_that_beats_is_waited_for(tmp_path: Path) -> None:
    """It beats whenever somebody looks, five times, and then goes silent; no look but a later one may end the wait."""
    holder, beats = Holder(machine="elsewhere", pid=1, started="1"), 5

    class Watched(ResultStore):
        looks = 0

        def load_file(self, key: str, name: str, path: Path) -> bool:
            self.looks += 1
            write_holder(self, tmp_path, holder.model_copy(update={"beat": min(self.looks, beats)}))
            return super().load_file(key, name, path)

    store = Watched(FolderBlobs(tmp_path / "store"))
    write_holder(store, tmp_path, holder)
    time_lease(store, stale_seconds=0.3)
    assert store.looks == beats + 1
    assert store.list_files(KEY) == ("1", "2")


def test_a_file_that_its_holder_died_filling_is_followed_when_it_is_stale(store: ResultStore, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    store.save_file(KEY, "1", empty)
    signs = Signs()
    time_lease(store, signs, stale_seconds=0.1)
    assert signs.count == 1
    assert store.list_files(KEY) == ("1", "2")


def test_files_of_the_file_system_are_no_holders(store: ResultStore, tmp_path: Path) -> None:
    stray = tmp_path / "stray"
    stray.touch()
    store.save_file(KEY, "nfs01", stray)
    time_lease(store)
    assert store.list_files(KEY) == ("1", "nfs01")


def test_the_newest_of_many_holders_counts(store: ResultStore, tmp_path: Path) -> None:
    """The tenth, whatever the order of their names as text."""
    gone = Holder(machine="elsewhere", pid=1, started="1", released=True)
    for number in range(1, 10):
        write_holder(store, tmp_path, gone, number=number)
    write_holder(store, tmp_path, gone.model_copy(update={"released": False}), number=10)
    signs = Signs()
    time_lease(store, signs, stale_seconds=0.1)
    assert signs.count == 1
    assert store.contains_file(KEY, "11")


def test_a_store_that_goes_away_costs_the_lease_not_the_work(
    store: ResultStore, caplog: pytest.LogCaptureFixture
) -> None:
    with holding_lease(store, NAME, beat_seconds=LONG):
        folder = Path(store.url)
        folder.rename(folder.with_name("moved"))
        folder.write_text("a file where the store was")
    assert "a lease could not be kept" in caplog.text


def test_of_many_processes_one_holds_it_at_a_time(store: ResultStore, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    command = [sys.executable, "-c", COUNT, store.url, str(counter), "6"]
    processes = [subprocess.Popen(command) for _ in range(5)]
    assert [process.wait(timeout=120) for process in processes] == [0] * 5
    assert counter.read_text() == "30"
    assert len(store.list_files(KEY)) == 30
