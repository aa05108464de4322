"""A small Kubeflow on a local port, whose every exchange is held against Kubeflow's description of its API."""

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from overread import cli
from overread.kubeflow import catalogue
from tests.conftest import REPOSITORY
from tests.kubeflow.api_description import ApiDescription
from tests.kubeflow.kubeflow_server import KubeflowServer

_DESCRIPTION = REPOSITORY.parent / "shared" / "kubeflow" / "kfp_api_v2beta1.swagger.json"
_RECURRING_RUNS = "/apis/v2beta1/recurringruns"
_GIT = ("git", "-c", "user.name=Tests", "-c", "user.email=tests@localhost")

RunCommand = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test sees the Kubeflow, credentials, git identity or home of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("KF_", "GIT_", "OVERREAD_IMAGE")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def found_description() -> ApiDescription | None:
    return ApiDescription(_DESCRIPTION) if _DESCRIPTION.is_file() else None


@pytest.fixture
def description(found_description: ApiDescription | None) -> ApiDescription:
    """Kubeflow's description of its API; the test skips where it is absent."""
    if found_description is None:
        pytest.skip(f"needs Kubeflow's description of its API, which is not at shared/kubeflow/{_DESCRIPTION.name}")
    return found_description


@pytest.fixture
def kubeflow(found_description: ApiDescription | None) -> Iterator[KubeflowServer]:
    """A running server; a request or an answer that Kubeflow does not describe fails the test at its end."""
    server = KubeflowServer()
    with server.run():
        yield server
    if found_description is not None:
        assert [problem for exchange in server.exchanges for problem in found_description.find_problems(exchange)] == []


@pytest.fixture(autouse=True)
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages of the test's own."""
    folder = shutil.copytree(catalogue.PACKAGES, tmp_path / "checkout" / "pipelines" / "packages")
    monkeypatch.setattr(catalogue, "PACKAGES", folder)
    return folder


@pytest.fixture
def checkout(packages: Path) -> Path:
    """A git checkout without changes that holds the packages."""
    folder = packages.parents[1]
    (folder / "README.md").write_text("A checkout.\n")
    commit_all(folder)
    return folder


@pytest.fixture
def run_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> RunCommand:
    """Runs `overread` in this process; its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["overread", *arguments])
        capsys.readouterr()
        code = 0
        # cyclopts warns of what only tests do: it is called without arguments and reads those of the process.
        with warnings.catch_warnings(action="ignore"):
            try:
                cli.main()
            except SystemExit as end:
                code = end.code or 0
        return (code, *capsys.readouterr())

    return run


@pytest.fixture
def upload(kubeflow: KubeflowServer, run_command: RunCommand, checkout: Path) -> RunCommand:  # noqa: ARG001
    """Uploads pipelines from the checkout; exit code, output and errors."""

    def run(*names: str) -> tuple[int, str, str]:
        return run_command("upload", *names, "--host", kubeflow.address, "--timeout", "5")

    return run


@pytest.fixture
def schedule(kubeflow: KubeflowServer, run_command: RunCommand) -> RunCommand:
    """Schedules rater-bias from the command line; exit code, output and errors."""

    def call(
        *arguments: str,
        settings: Sequence[str] = ("study=https://git.example/discs.git",),
        cron: str = "0 3 * * *",
        host: str | None = None,
        timeout: float = 5,
    ) -> tuple[int, str, str]:
        host = host or kubeflow.address
        given = ("--cron", cron, "--set", *settings, "--host", host, "--timeout", str(timeout))
        return run_command("schedule", "rater-bias", *given, *arguments)

    return call


@pytest.fixture
def uploaded(upload: RunCommand) -> None:
    """The package of rater-bias is on the server."""
    assert upload("rater-bias")[0] == 0


@pytest.fixture
def scheduled(kubeflow: KubeflowServer, upload: RunCommand, schedule: RunCommand) -> None:
    """A schedule as it is made; what was asked until then is forgotten."""
    assert upload("rater-bias")[0] == 0
    assert schedule()[0] == 0
    kubeflow.exchanges.clear()


def list_writes(kubeflow: KubeflowServer) -> list[tuple[str, str]]:
    """Method and path of each request that changes something; the path begins behind /apis/v2beta1/recurringruns."""
    return [(e.method, e.path.removeprefix(_RECURRING_RUNS)) for e in kubeflow.exchanges if e.method != "GET"]


def commit_all(folder: Path) -> str:
    """Commit everything in a folder, which becomes a git repository; the commit."""
    subprocess.run([*_GIT, "init", "--quiet"], cwd=folder, check=True)
    subprocess.run([*_GIT, "add", "--all"], cwd=folder, check=True)
    subprocess.run([*_GIT, "commit", "--quiet", "--message", "All"], cwd=folder, check=True)
    done = subprocess.run([*_GIT, "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()
