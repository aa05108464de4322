"""What it costs to ask the command lines for help: seconds of this process's CPU, whatever else the machine does."""

import os
import subprocess
import sys

import pytest

from tests.pipelines.conftest import REPOSITORY

HELP = ("overread.cli", "--help")
LIST = ("overread.cli", "run", "--list")


def measure_cpu_seconds(*arguments: str) -> float:
    before = os.times()
    subprocess.run([sys.executable, "-m", *arguments], cwd=REPOSITORY, capture_output=True, check=True, timeout=300)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


@pytest.mark.parametrize(("command", "bound"), [(HELP, 0.9), (LIST, 1.5)], ids=["help", "list"])
def test_the_command_takes_little_cpu(command, bound):
    assert min(measure_cpu_seconds(*command) for _ in range(3)) < bound


@pytest.mark.parametrize(("command", "library"), [(HELP, "pydantic"), (HELP, "numpy"), (LIST, "kfp"), (LIST, "numpy")])
def test_the_command_does_without_the_library(command, library):
    options = ["-X", "importtime", "-m", *command]
    done = subprocess.run([sys.executable, *options], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    imported = {line.split("|")[-1].strip() for line in done.stderr.splitlines()}
    assert "cyclopts" in imported
    assert library not in imported
