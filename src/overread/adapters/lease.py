"""Leases in a result store: of several processes, on one machine or many, one works and the others wait.

A lease `<name>` is a row of numbered files in `leases/<name>`. Who creates the file of the next number, which only one
can, holds it; the holder of the highest number rewrites its file again and again as long as it lives. A holder that has
released the lease, or is dead, is followed by the next number. Nothing is compared with the clock of another machine.
"""

import logging
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from overread.adapters.storage import ResultStore
from overread.errors import StorageError
from overread.settings import Settings

BEAT_SECONDS = 15.0
STALE_SECONDS = 60.0
_FIRST_POLL_SECONDS = 0.05
_LONGEST_POLL_SECONDS = 1.0
_RECORD = "record"
_LOGGER = logging.getLogger(__name__)


class Holder(Settings):
    """Who holds a lease.

    Attributes:
        machine: names the running system and its space of process numbers.
        pid: process number there.
        started: when the process started, in ticks of that system's clock.
        beat: number of times that the holder has said that it lives.
        released: it has left the lease to others.
    """

    machine: str
    pid: int
    started: str
    beat: int = 0
    released: bool = False

    @classmethod
    def describe_this_process(cls) -> "Holder":
        """The holder that this process would be."""
        return cls(machine=_name_machine(), pid=os.getpid(), started=_read_start(os.getpid()))

    @property
    def has_left(self) -> bool:
        """Whether it has released the lease, or ran on this system and runs no more."""
        return self.released or (self.machine == _name_machine() and _read_start(self.pid) != self.started)


@contextmanager
def holding_lease(
    store: ResultStore,
    name: str,
    *,
    on_waiting: Callable[[], None] = lambda: None,
    beat_seconds: float = BEAT_SECONDS,
    stale_seconds: float = STALE_SECONDS,
) -> Iterator[None]:
    """Hold a lease during the block, after waiting for its present holder.

    Args:
        store: where the lease is.
        name: letters, digits, `_`, `.` and `-`.
        on_waiting: called once if another process holds it.
        beat_seconds: how often this process says that it lives.
        stale_seconds: a holder that has been silent for as long is taken for dead.

    Raises:
        StorageError: the store cannot be reached.
    """
    key, holder = f"leases/{name}", Holder.describe_this_process()
    number = _acquire(store, key, holder, on_waiting=on_waiting, stale_seconds=stale_seconds)
    ended = threading.Event()
    beats = threading.Thread(target=_beat, args=(store, key, number, holder, ended, beat_seconds), daemon=True)
    beats.start()
    try:
        yield
    finally:
        ended.set()
        beats.join()
        _say(store, key, number, holder.model_copy(update={"released": True}))


def _acquire(
    store: ResultStore, key: str, holder: Holder, *, on_waiting: Callable[[], None], stale_seconds: float
) -> int:
    seen: tuple[int, Holder | None] | None = None
    since, pause = time.monotonic(), _FIRST_POLL_SECONDS
    while True:
        newest = max((int(name) for name in store.list_files(key) if name.isdecimal()), default=0)
        found = _read(store, key, newest) if newest else None
        is_free = not newest or (found is not None and found.has_left)
        if (newest, found) != seen:
            seen, since = (newest, found), time.monotonic()
        if is_free or time.monotonic() - since > stale_seconds:
            if _create(store, key, newest + 1, holder):
                return newest + 1
        else:
            if pause == _FIRST_POLL_SECONDS:
                on_waiting()
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_POLL_SECONDS)


def _beat(
    store: ResultStore, key: str, number: int, holder: Holder, ended: threading.Event, beat_seconds: float
) -> None:
    beat = 0
    while not ended.wait(beat_seconds):
        beat += 1
        _say(store, key, number, holder.model_copy(update={"beat": beat}))


def _say(store: ResultStore, key: str, number: int, holder: Holder) -> None:
    """Rewrite the holder's file; a store that is away for a while costs the lease at worst, not the work."""
    try:
        with _written(holder) as path:
            store.save_file(key, str(number), path)
    except StorageError as error:
        _LOGGER.warning("a lease could not be kept: %s", error)


def _create(store: ResultStore, key: str, number: int, holder: Holder) -> bool:
    with _written(holder) as path:
        return store.create_file(key, str(number), path)


def _read(store: ResultStore, key: str, number: int) -> Holder | None:
    """The holder of a number; None where its file is still being filled, or was left so by who died that moment."""
    with tempfile.TemporaryDirectory(prefix="overread-lease-") as scratch:
        path = Path(scratch) / _RECORD
        if not store.load_file(key, str(number), path):
            return None
        try:
            return Holder.model_validate_json(path.read_bytes())
        except ValidationError:
            return None


@contextmanager
def _written(holder: Holder) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="overread-lease-") as scratch:
        path = Path(scratch) / _RECORD
        path.write_text(holder.model_dump_json(), encoding="utf-8")
        yield path


def _name_machine() -> str:
    """Name of the running system and its space of process numbers; empty where it does not tell.

    The host name tells virtual machines apart that were started from one snapshot.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{platform.node()} {boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _read_start(pid: int) -> str:
    """When a process of this system started; empty where it has ended, or the system does not tell."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state == "Z" else fields[18]
