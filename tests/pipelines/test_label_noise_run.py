"""`overread run label-noise` on a small study, as a user types it."""

import subprocess
from pathlib import Path

import pandas as pd
import pytest

from overread.questions.label_noise.results import LabelNoiseEvaluation
from overread.study.schema import StudySettings
from tests.pipelines.conftest import run_module

pytestmark = pytest.mark.slow

SETTINGS = ("source=tight", "variants=choppy-0.90", "networks=unet,fcn32", "folds=2", "repeats=1")
TRAININGS = 2 * 2 * 2


def run_label_noise(study: Path, preset: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    return run_module(
        "overread.cli", "run", "label-noise", str(study), "--set", f"preset={preset}", *SETTINGS, *settings
    )


def run_git(study: Path, *arguments: str) -> str:
    command = ["git", "-C", str(study), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def read_evaluation(study: Path) -> LabelNoiseEvaluation:
    path = study / ".overread" / "latest" / "label-noise" / "noise_evaluation" / "evaluation.json"
    return LabelNoiseEvaluation.model_validate_json(path.read_text())


@pytest.fixture(scope="module")
def first(study, preset):
    done = run_label_noise(study, preset)
    assert done.returncode == 0, done.stdout + done.stderr
    return done, read_evaluation(study)


def test_it_prints_the_table_the_findings_and_the_path_of_the_report(study, first):
    lines = first[0].stdout.strip().splitlines()
    assert any(line.startswith("choppy-0.90 (0.") for line in lines)
    assert any(line.startswith("not tested, all networks: ") for line in lines)
    assert lines[-1] == f"report: {study}/.overread/latest/label-noise/report.html"


def test_every_case_is_held_out_once_per_network_and_variant(study, first):
    table = pd.read_csv(study / ".overread" / "latest" / "label-noise" / "noise_evaluation" / "dice.csv")
    assert table.groupby(["network", "variant"])["case_id"].nunique().tolist() == [6] * 4
    assert len(table) == 24
    assert all(cell.training_count == 2 and not cell.missing_count for cell in first[1].cells)


def test_the_variants_have_the_dice_that_was_asked_for(first):
    achieved = {variant.name: variant.achieved_dice for variant in first[1].variants}
    assert achieved == {
        "control": 1,
        "choppy-0.90": pytest.approx(0.9, abs=0.01),
    }


@pytest.mark.usefixtures("first")
def test_the_variants_lie_in_one_commit_on_a_branch_and_the_study_is_untouched(study):
    (branch,) = run_git(study, "branch", "--list", "overread/*", "--format=%(refname:short)").splitlines()
    assert run_git(study, "rev-list", "--count", f"main..{branch}") == "1"
    added = run_git(study, "diff", "--name-only", "main", branch).splitlines()
    assert {name for name in added if name.endswith(".dvc")} == {"labels/tight-choppy-0.90.dvc"}
    assert run_git(study, "status", "--porcelain") == ""
    assert "tight-choppy-0.90" not in StudySettings.read_yaml(study / "study.yaml").sources


@pytest.mark.usefixtures("first")
def test_a_second_run_reuses_every_variant_and_training(study, preset):
    done = run_label_noise(study, preset)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": reused") == 1 + TRAININGS
    assert len(run_git(study, "branch", "--list", "overread/*").splitlines()) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("first")
def test_labels_that_are_redrawn_in_training_leave_no_variant_in_the_study(study, preset):
    done = run_label_noise(study, preset, "redraw=every_epoch", "networks=unet")
    assert done.returncode == 0, done.stdout + done.stderr
    evaluation = read_evaluation(study)
    assert evaluation.redraw == "every_epoch"
    assert [variant.digest == "" for variant in evaluation.variants] == [False, True]
    assert len(run_git(study, "branch", "--list", "overread/*").splitlines()) == 1
