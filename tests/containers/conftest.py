"""Images, the services of the manifests, and a git server, all in one isolated network."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.engine import build
from tests.containers.network import TaskNetwork, isolated_network
from tests.containers.played_services import Services, playing
from tests.servers import find_free_ports

IMAGE, MLFLOW_IMAGE = "localhost/overread:test", "localhost/overread-mlflow:test"
NEEDED = ("podman", "ip", "kubectl")


@pytest.fixture(scope="session", autouse=True)
def _machine() -> None:
    """Containers cannot be run everywhere; CI must be able to."""
    missing = [name for name in NEEDED if shutil.which(name) is None] + ([] if os.geteuid() == 0 else ["root"])
    if missing:
        stop = pytest.fail if "CI" in os.environ else pytest.skip
        stop(f"needs {', '.join(missing)}")


@pytest.fixture(scope="session")
def image() -> str:
    return build_and_tell(IMAGE, "Dockerfile")


@pytest.fixture(scope="session")
def mlflow_image() -> str:
    return build_and_tell(MLFLOW_IMAGE, "mlflow/Dockerfile")


def build_and_tell(name: str, file: str) -> str:
    started = time.monotonic()
    build(name, file)
    print(f"\n{name}: built in {time.monotonic() - started:.0f} s")
    return name


@pytest.fixture(scope="session")
def network() -> Iterator[TaskNetwork]:
    with isolated_network() as made:
        yield made


@pytest.fixture(scope="session")
def services(network: TaskNetwork, mlflow_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with playing(network, mlflow_image, tmp_path_factory.mktemp("rendered")) as played:
        yield played


@pytest.fixture(scope="session")
def git_server(tmp_path_factory: pytest.TempPathFactory, network: TaskNetwork) -> Iterator[tuple[Path, str]]:
    """A folder for bare repositories, and the URL below which tasks clone them."""
    folder = tmp_path_factory.mktemp("git")
    (port,) = find_free_ports(1)
    command = [*network.enter, sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    process = subprocess.Popen([*command, "--directory", str(folder)], stderr=subprocess.DEVNULL)
    try:
        yield folder, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def publish_repository(study: Path, folder: Path) -> None:
    """Put a bare copy of a repository where a plain HTTP server can serve it."""
    target = folder / study.name
    subprocess.run(["git", "clone", "--quiet", "--bare", str(study), str(target)], check=True)
    subprocess.run(["git", "-C", str(target), "update-server-info"], check=True)
