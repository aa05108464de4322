"""A network with nothing on it but the services of a test: a namespace that has a loopback address only."""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = "overread-tasks"


@dataclass(frozen=True)
class TaskNetwork:
    """The namespace.

    Attributes:
        option: what podman's `--network` takes.
        enter: the words before a command that is to run inside.
    """

    option: str
    enter: tuple[str, ...]


def run_ip(*arguments: str) -> None:
    """Call `ip`."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@contextmanager
def inside() -> Iterator[None]:
    """Let this thread open its connections inside the namespace, where services listen on the loopback address."""
    with Path("/proc/thread-self/ns/net").open() as own, Path(f"/run/netns/{NAMESPACE}").open() as other:
        _enter(other.fileno())
        try:
            yield
        finally:
            _enter(own.fileno())


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextmanager
def isolated_network() -> Iterator[TaskNetwork]:
    """Make the namespace; it has a loopback address, and nothing else."""
    subprocess.run(["ip", "netns", "delete", NAMESPACE], check=False, capture_output=True)
    run_ip("netns", "add", NAMESPACE)
    try:
        run_ip("-n", NAMESPACE, "link", "set", "lo", "up")
        yield TaskNetwork(f"ns:/run/netns/{NAMESPACE}", ("nsenter", f"--net=/run/netns/{NAMESPACE}"))
    finally:
        run_ip("netns", "delete", NAMESPACE)
