"""What `make` leaves in a checkout hides no change and is gone after `make clean`."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from overread.adapters.versioning import commit_study
from tests.conftest import REPOSITORY
from tests.studies import write_squares


def call(checkout: Path, *command: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in ("DEMO", "MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def find_folder(checkout: Path, target: str, command: str) -> Path:
    """The folder that a target of the Makefile gives to a command."""
    found = re.search(rf"{re.escape(command)} (\S+)", call(checkout, "make", "--dry-run", target))
    assert found, f"make {target} has no {command}"
    return checkout / found[1]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, tmp_path / "checkout"], check=True)
    return tmp_path / "checkout"


def test_the_demos_and_manifests_leave_the_checkout_clean(checkout: Path) -> None:
    demo = find_folder(checkout, "demo", "overread study demo")
    retraining = checkout / "demo-retrain" / "study"
    retraining.parent.mkdir()
    for study in (demo, retraining):
        write_squares(study, case_count=3)
        commit_study(study, "Add the study")
        assert study.with_name(f"{study.name}.dvc-remote").is_dir()
    manifests = find_folder(checkout, "manifests", "mkdir -p")
    manifests.mkdir(parents=True)
    (manifests / "profile.yaml").touch()
    bytecode = checkout / "src" / "overread" / "__pycache__"
    bytecode.mkdir()
    (bytecode / "units.cpython-311.pyc").touch()

    assert call(checkout, "git", "status", "--porcelain") == ""

    call(checkout, "make", "clean")
    assert call(checkout, "git", "status", "--porcelain", "--ignored") == ""


def test_a_study_of_any_name_leaves_the_checkout_clean_but_for_itself(checkout: Path) -> None:
    write_squares(checkout / "mine", case_count=3)
    commit_study(checkout / "mine", "Add the study")
    assert call(checkout, "git", "status", "--porcelain") == "?? mine/\n"
