"""Leases in a bucket of a real S3 server, which many processes and threads want at once."""

import subprocess
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

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


pytestmark = pytest.mark.usefixtures("s3")


@pytest.fixture
def store() -> ResultStore:
    return open_store(f"s3://results/{uuid.uuid4().hex}")


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "record"
    path.write_text("mine")
    return path


def test_of_many_who_create_a_file_at_once_one_succeeds(store: ResultStore, record: Path) -> None:
    clients = [open_store(store.url) for _ in range(4)]
    for attempt in range(3):
        barrier = threading.Barrier(len(clients))

        def create(client: ResultStore, name: str = f"file{attempt}", together: threading.Barrier = barrier) -> bool:
            together.wait()
            return client.create_file(KEY, name, record)

        with ThreadPoolExecutor(len(clients)) as pool:
            assert sum(pool.map(create, clients)) == 1
    assert store.list_files(KEY) == tuple(f"file{attempt}" for attempt in range(3))


def test_a_file_that_is_there_keeps_its_content(store: ResultStore, record: Path, tmp_path: Path) -> None:
    assert store.create_file(KEY, "1", record)
    record.write_text("other")
    assert not store.create_file(KEY, "1", record)
    assert store.load_file(KEY, "1", tmp_path / "found")
    assert (tmp_path / "found").read_text() == "mine"


def test_of_many_one_holds_a_lease_at_a_time(store: ResultStore) -> None:
    inside, entered = [], []

    def work(worker: int) -> None:
        client = open_store(store.url)
        for _ in range(3):
            with holding_lease(client, NAME):
                inside.append(worker)
                time.sleep(0.01)
                entered.append(tuple(inside))
                inside.remove(worker)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(entered) == 12
    assert all(len(together) == 1 for together in entered)
    assert len(store.list_files(KEY)) == 12


def test_a_holder_of_this_machine_that_was_killed_is_followed_at_once(store: ResultStore) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, store.url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    process.kill()
    process.communicate()
    waited = []
    with holding_lease(store, NAME, on_waiting=lambda: waited.append(True), stale_seconds=LONG):
        assert waited == []


def test_a_holder_elsewhere_that_stays_silent_is_followed_when_it_is_stale(store: ResultStore, tmp_path: Path) -> None:
    path = tmp_path / "holder"
    path.write_text(Holder(machine="elsewhere", pid=1, started="1").model_dump_json())
    store.save_file(KEY, "1", path)
    began = time.monotonic()
    with holding_lease(store, NAME, stale_seconds=0.4):
        assert time.monotonic() - began >= 0.4
    assert store.list_files(KEY) == ("1", "2")
