"""The pipeline `retrain` on a laptop: SQLite, a folder as store, and `make retrain-once`."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from overread.questions.retrain.records import RetrainingOutcome
from tests.pipelines.conftest import REPOSITORY, run_module, write_raw_data

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CASES = 16


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory, preset: Path) -> Path:
    """A study with a network for each source and one for both, after its first retraining."""
    folder = tmp_path_factory.mktemp("grown")
    write_raw_data(folder / "raw", cases=CASES)
    done = run_module("overread.cli", "study", "import", str(folder / "raw"), str(folder / "discs"))
    assert done.returncode == 0, done.stderr
    done = retrain(folder / "discs", preset)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "discs"


def retrain(study: Path, preset: Path, *settings: str) -> "subprocess.CompletedProcess[str]":
    gate = ("mixes=tight+wide", "min_cases=2", "load_bias_limit=9", "dice_margin=1")
    return run_module(
        "pipelines", "run", "retrain", "--study", str(study), "--set", f"preset={preset}", *gate, *settings
    )


def read_outcome(study: Path) -> RetrainingOutcome:
    return RetrainingOutcome.read(study / ".overread" / "latest" / "retrain" / "decisions")


def test_each_source_and_mix_has_a_champion_and_the_page_says_so(grown: Path) -> None:
    decisions = read_outcome(grown).decisions
    assert {item.judgement.network.model for item in decisions} == {"discs-tight", "discs-wide", "discs-tight+wide"}
    assert all(item.is_promoted and item.version == item.champion == 1 for item in decisions)
    page = (grown / ".overread" / "latest" / "retrain" / "report.html").read_text()
    assert "tight+wide" in page
    assert page.count("<img") >= 6


def test_new_labels_retrain_the_mixes_that_hold_them_by_make_too(grown: Path, preset: Path, tmp_path: Path) -> None:
    study = tmp_path / "discs"
    shutil.copytree(grown, study, symlinks=True)
    mask = study / "labels" / "tight" / "c0.png"
    delivered = tmp_path / "delivered"
    delivered.mkdir()
    shutil.copyfile(study / "labels" / "wide" / "c0.png", delivered / mask.name)
    done = run_module("overread.cli", "study", "add", str(study), "--source", "tight", str(delivered), "--replace")
    assert done.returncode == 0, done.stderr
    choices = f"preset={preset} mixes=tight+wide min_cases=2 load_bias_limit=9 dice_margin=1"
    command = ["make", "--no-print-directory", "retrain-once", f"STUDY={study}", f"SET={choices}"]
    made = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    assert {item.judgement.network.labels for item in read_outcome(study).decisions} == {"tight", "tight+wide"}
    assert re.search(r"discs-wide: nothing new; champion is version 1", made.stdout)


def test_other_bounds_judge_a_refused_network_again_without_training_it_again(
    grown: Path, preset: Path, tmp_path: Path
) -> None:
    study = tmp_path / "discs"
    shutil.copytree(grown, study, symlinks=True)
    strict = retrain(study, preset, "epochs=2", "load_bias_limit=0.000001")
    assert strict.returncode == 0, strict.stderr
    refused = [item.judgement.network.labels for item in read_outcome(study).decisions if not item.is_promoted]
    assert refused
    loose = retrain(study, preset, "epochs=2")
    assert loose.returncode == 0, loose.stderr
    assert [item.judgement.network.labels for item in read_outcome(study).decisions] == refused
    assert all(item.is_promoted for item in read_outcome(study).decisions)
    assert loose.stdout.count(": reused") == len(refused)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("mixes=tight", "a mix must be a pair of sources"),
        ("reference=nobody", "a source must be one of the study"),
        ("min_cases=1", "min_cases"),
        ("load_bias_limit=0", "load_bias_limit"),
    ],
)
def test_a_bad_choice_is_one_clear_message(study: Path, setting: str, message: str) -> None:
    done = run_module("pipelines", "run", "retrain", "--study", str(study), "--set", setting)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_make_retrain_once_asks_for_a_study() -> None:
    made = subprocess.run(["make", "retrain-once"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert made.returncode == 2
    assert "STUDY=" in made.stderr
