"""Real servers for tests: S3 (SeaweedFS), a Pushgateway and whatever else answers over HTTP, or fails to."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


def find_program(name: str, package: str) -> str:
    """Path of a program of this machine; skips the test where it is missing, unless it runs in CI."""
    if (found := shutil.which(name)) is not None:
        return found
    reason = f"needs {name}: apt-get install {package}"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def running_pushgateway(port: int | None = None) -> Iterator[str]:
    """Run an empty Pushgateway on a port of this machine, a free one by default; gives its URL."""
    program = find_program("prometheus-pushgateway", "prometheus-pushgateway")
    url = f"http://{LOOPBACK}:{port or find_free_ports(1)[0]}"
    # Debian's default is to keep metrics in a file of the machine.
    command = [program, f"--web.listen-address={url.removeprefix('http://')}", "--persistence.file="]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="overread-pushgateway-")))
        stack.enter_context(running(command, log=folder / "log", environment=os.environ, ready_url=f"{url}/-/ready"))
        yield url


@dataclass(frozen=True)
class BadServer:
    """A server that does not do what it is asked; `requests` grows with each connection or request that it gets."""

    url: str
    requests: list[str] = field(default_factory=list)


@contextmanager
def running_refuser(status: int, *, port: int = 0) -> Iterator[BadServer]:
    """Answer every HTTP request with a status; `requests` holds the Authorization header of each, or nothing."""

    class Handler(BaseHTTPRequestHandler):
        def refuse(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            server.requests.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = refuse  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Keep the output of the tests free of access logs."""

    with ThreadingHTTPServer((LOOPBACK, port), Handler) as listener:
        server = BadServer(f"http://{LOOPBACK}:{listener.server_address[1]}")
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield server
        finally:
            listener.shutdown()


@contextmanager
def running_mute(*, port: int = 0, dribbles: bool = False) -> Iterator[BadServer]:
    """Accept every connection and never answer, or send the beginning of an answer byte by byte, without an end."""
    held: list[socket.socket] = []

    def dribble(connection: socket.socket) -> None:
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                connection.sendall(b".")
                time.sleep(0.05)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, address = listener.accept()
                held.append(connection)
                server.requests.append(str(address))
                if dribbles:
                    threading.Thread(target=dribble, args=(connection,), daemon=True).start()

    with socket.create_server((LOOPBACK, port)) as listener:
        server = BadServer(f"http://{LOOPBACK}:{listener.getsockname()[1]}")
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            for connection in held:
                connection.close()


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
