"""Real servers for tests: S3 (SeaweedFS) and whatever else answers over HTTP."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

LOOPBACK = "127.0.0.1"
BUCKETS = ("studies", "results", "mlflow")
_READY_SECONDS = 60


@dataclass(frozen=True)
class S3Server:
    """A running S3 server and the environment that reaches it."""

    endpoint: str
    environment: Mapping[str, str]


@contextmanager
def running_s3(address: str = LOOPBACK) -> Iterator[S3Server]:
    """Run an S3 server with the buckets BUCKETS on free ports of an address of this machine."""
    names = [
        f"{server}.port{kind}" for server in ("s3", "filer", "master", "volume", "admin") for kind in ("", ".grpc")
    ]
    ports = dict(zip(names, find_free_ports(len(names), address=address), strict=True))
    keys = {"AWS_ACCESS_KEY_ID": "overread-tests", "AWS_SECRET_ACCESS_KEY": "overread-tests-secret"}
    with tempfile.TemporaryDirectory(prefix="overread-s3-", ignore_cleanup_errors=True) as folder:
        command = [
            str(Path(sys.executable).with_name("weed")),
            "mini",
            f"-dir={folder}",
            f"-ip={address}",
            f"-ip.bind={address}",
            f"-bucket={','.join(BUCKETS)}",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            f"-filer.localSocket={folder}/filer.sock",
            f"-s3.localSocket={folder}/s3.sock",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            *(f"-{name}={port}" for name, port in ports.items()),
        ]
        endpoint = f"http://{address}:{ports['s3.port']}"
        log = Path(folder) / "weed.log"
        with running(command, log=log, environment={**os.environ, **keys}, ready_url=f"{endpoint}/healthz"):
            settings = {**keys, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint}
            _wait_for_buckets(settings)
            yield S3Server(endpoint, settings)


@contextmanager
def running(command: list[str], *, log: Path, environment: Mapping[str, str], ready_url: str) -> Iterator[None]:
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(
            command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            wait_for(process, ready_url, log)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended:\n{log.read_text(errors='replace')[-3000:]}"
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.05)
    pytest.fail(f"{url} was not ready in {_READY_SECONDS} s:\n{log.read_text(errors='replace')[-3000:]}")


def _wait_for_buckets(settings: Mapping[str, str]) -> None:
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=settings["AWS_ENDPOINT_URL"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
        region_name=settings["AWS_DEFAULT_REGION"],
    )
    deadline = time.monotonic() + _READY_SECONDS
    while not set(BUCKETS) <= {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        assert time.monotonic() < deadline, "the buckets were not made in time"
        time.sleep(0.05)


def find_free_ports(count: int, *, address: str = LOOPBACK) -> list[int]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server((address, 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]
