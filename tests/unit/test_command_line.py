"""`overread …` as a user types it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from overread import __version__
from tests.command_line import Done, run_overread
from tests.pipelines.conftest import PRESET, write_raw_data


def assert_refused(done: Done | subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error: ")
    for part in parts:
        assert part in done.stderr


def list_changes(repository: Path) -> str:
    command = ["git", "-C", str(repository), "status", "--porcelain"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("raw") / "raw"
    write_raw_data(folder)
    return folder


@pytest.fixture(scope="module")
def study(raw) -> Path:
    folder = raw.parent / "discs"
    assert run_overread("study", "import", raw, folder).returncode == 0
    return folder


def test_help_comes_without_heavy_libraries():
    code = "import sys, overread.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "monai", "mlflow", "dvc", "pandas", "nibabel", "numpy", "scipy"} & set(done.stdout.split())


def test_help_is_quick():
    """Under 0.5 s on a quiet machine, where loading the two libraries it is made of takes about 0.2 s."""

    def measure(*command: str) -> float:
        before = os.times()
        subprocess.run([sys.executable, *command], capture_output=True, check=True)
        after = os.times()
        return (after.children_user - before.children_user) + (after.children_system - before.children_system)

    helps = [measure("-m", "overread.cli", "--help") for _ in range(3)]
    libraries = [measure("-c", "import cyclopts, pydantic, yaml") for _ in range(3)]
    assert min(helps) < 4 * max(libraries)


def test_version():
    assert run_overread("--version").stdout.strip() == __version__


def test_a_process_of_its_own_refuses_with_one_message_and_exit_code_2(tmp_path):
    command = [sys.executable, "-m", "overread.cli", "study", "info", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert_refused(done, "study.yaml", "Hint: make one with")
    assert "Traceback" not in done.stderr


def test_a_new_study_is_a_clean_git_and_dvc_repository(study):
    assert list_changes(study) == ""
    assert (study / "images.dvc").is_file()
    assert (study / "labels" / "wide.dvc").is_file()


def test_info_counts_cases_and_sources(study):
    shown = run_overread("study", "info", study).stdout
    assert "6 cases of 6 subjects" in shown
    assert "wide" in shown


def test_compare_prints_a_table(study):
    lines = run_overread(
        "labels", "compare", study, "--reference", "tight", "--prediction", "wide", "--tolerance", "2"
    ).stdout.splitlines()
    assert lines[0].startswith("prediction,reference,case_id")
    assert len(lines) == 7


@pytest.mark.parametrize("layout", ["nnunet", "bids"])
def test_a_source_is_exported(study, tmp_path, layout):
    done = run_overread("study", "export", study, tmp_path / "out", "--layout", layout, "--source", "wide")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_dir()


def test_training_and_prediction_of_one_network(study, tmp_path):
    preset = tmp_path / "tiny.yaml"
    preset.write_text(PRESET)
    trained = run_overread("train", study, tmp_path / "network", "--source", "wide", "--preset", preset)
    assert trained.returncode == 0, trained.stderr
    assert "epoch 3: loss" in trained.stdout
    predicted = run_overread("predict", study, tmp_path / "network", tmp_path / "masks", "--case", "c5")
    assert predicted.returncode == 0, predicted.stderr
    assert [path.name for path in (tmp_path / "masks").iterdir()] == ["c5.png"]


def test_an_unknown_source_names_the_known_ones(study):
    done = run_overread("labels", "compare", study, "--reference", "tight", "--prediction", "nobody")
    assert_refused(done, "'nobody'", "known: tight, wide")


def test_an_unknown_layout_is_refused(study, tmp_path):
    done = run_overread("study", "export", study, tmp_path / "x", "--layout", "zip", "--source", "wide")
    assert_refused(done, "layout must be nnunet or bids, got 'zip'")


def test_an_existing_folder_is_never_overwritten(raw, study):
    assert_refused(run_overread("study", "import", raw, study), "must be new or empty")
    assert_refused(run_overread("study", "demo", study))


def test_a_bad_data_set_is_refused_whole(raw, tmp_path):
    bad = tmp_path / "bad"
    shutil.copytree(raw, bad)
    shutil.copyfile(bad / "labels" / "wide" / "c0.png", bad / "labels" / "wide" / "c9.png")
    (bad / "images" / "c1.png").write_bytes(b"not an image")
    done = run_overread("study", "import", bad, tmp_path / "study")
    assert_refused(done, "c9", "c1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad"]


def test_a_training_on_a_source_of_one_subject_is_refused(raw, tmp_path):
    small = tmp_path / "small"
    shutil.copytree(raw, small)
    for path in sorted((small / "labels" / "wide").iterdir())[1:]:
        path.unlink()
    assert run_overread("study", "import", small, tmp_path / "study").returncode == 0
    done = run_overread("train", tmp_path / "study", tmp_path / "network", "--source", "wide", "--preset", "cells")
    assert_refused(done, "at least two")
    assert not (tmp_path / "network").exists()


def test_the_demo_study_is_a_clean_repository_and_passes_the_check(demo_root):
    assert list_changes(demo_root) == ""
    assert (demo_root / "images.dvc").is_file()
    checked = run_overread("study", "check", demo_root)
    assert checked.returncode == 0, checked.stderr
    assert "18 cases of 15 subjects" in checked.stdout
