"""A network with nothing on it but the services of a test: a namespace with one cable to this machine and no way on."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

NAMESPACE = "overread-tasks"
_CABLE = ("overread-host", "overread-task")


@dataclass(frozen=True)
class TaskNetwork:
    """Both ends of the cable.

    Attributes:
        option: what podman's `--network` takes.
        host_address: where services of this machine listen for tasks.
        task_address: where what listens inside is reached from this machine.
    """

    option: str
    host_address: str
    task_address: str


def run_ip(*arguments: str) -> None:
    """Call `ip`."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@contextmanager
def isolated_network() -> Iterator[TaskNetwork]:
    """Make the namespace and its cable."""
    host, task = _CABLE
    network = TaskNetwork(f"ns:/run/netns/{NAMESPACE}", "10.213.7.1", "10.213.7.2")
    subprocess.run(["ip", "netns", "delete", NAMESPACE], check=False, capture_output=True)
    run_ip("netns", "add", NAMESPACE)
    try:
        run_ip("link", "add", host, "type", "veth", "peer", "name", task, "netns", NAMESPACE)
        run_ip("address", "add", f"{network.host_address}/30", "dev", host)
        run_ip("link", "set", host, "up")
        run_ip("-n", NAMESPACE, "address", "add", f"{network.task_address}/30", "dev", task)
        run_ip("-n", NAMESPACE, "link", "set", task, "up")
        run_ip("-n", NAMESPACE, "link", "set", "lo", "up")
        yield network
    finally:
        run_ip("netns", "delete", NAMESPACE)
