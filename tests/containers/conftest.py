"""Images, the services of the manifests, and a git server, all in one isolated network."""

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.cluster import Cluster
from tests.containers.engine import build
from tests.containers.git_server import GitServer, serving_git
from tests.containers.network import TaskNetwork, isolated_network
from tests.containers.played_services import Services, playing
from tests.containers.studies import import_discs

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
def git_server(tmp_path_factory: pytest.TempPathFactory, network: TaskNetwork) -> Iterator[GitServer]:  # noqa: ARG001
    with serving_git(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture(scope="session")
def cluster(image: str, services: Services, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return Cluster(image, services, tmp_path_factory.mktemp("kfp"))


@pytest.fixture(scope="session")
def discs(services: Services, git_server: GitServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clone of the study `discs` that its owner works in; the server has it too."""
    study = import_discs(services, tmp_path_factory.mktemp("studies"))
    git_server.publish(study)
    return study
