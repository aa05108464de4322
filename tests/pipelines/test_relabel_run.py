"""`overread run relabel` on a small study, as a user types it.

The study's own split makes one fold: two of its six cases are held out, one validates and three are learnt.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from overread.questions.relabel.results import RelabelEvaluation
from overread.questions.relabel.steps.evaluate_relabelling import read_relabelled_masks
from overread.study.schema import StudySettings
from tests.pipelines.conftest import PRESET, make_study_of, run_module, write_raw_data

CORRECTION = "correction: {members: 2, largest_change: 10.0, threshold: 0.1, uncertainty: {samples: 2}}\n"
CASES = """case_id,split
c0,train
c1,test
c2,train
c3,validation
c4,train
c5,test
"""
NOISE = ("source=tight", "noise=polygon-3", "method=tta,ensemble", "epochs=2", "repeats=1")
TRAININGS = 5
"""Clean labels, and noisy ones as they are, reweighted, and relabelled by two methods."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def run_relabel(study: Path, preset: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    return run_module("overread.cli", "run", "relabel", str(study), "--set", f"preset={preset}", *settings)


def run_git(study: Path, *arguments: str) -> str:
    command = ["git", "-C", str(study), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def list_branches(study: Path, pattern: str) -> list[str]:
    return run_git(study, "branch", "--list", pattern, "--format=%(refname:short)").splitlines()


def find_results(study: Path) -> Path:
    return study / ".overread" / "latest" / "relabel"


def read_evaluation(study: Path) -> RelabelEvaluation:
    text = (find_results(study) / "relabel_evaluation" / "evaluation.json").read_text()
    return RelabelEvaluation.model_validate_json(text)


@pytest.fixture(scope="module", autouse=True)
def _one_process() -> Iterator[None]:
    """One process trains and predicts: a second one takes longer to start than it saves here."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OVERREAD_PROCESSES", "1")
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, empty_mlflow: Path) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    write_raw_data(folder / "raw")
    (folder / "raw" / "cases.csv").write_text(CASES)
    return make_study_of(folder / "raw", empty_mlflow)


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("preset") / "tiny.yaml"
    path.write_text(PRESET.replace("steps_per_epoch: 8", "steps_per_epoch: 4") + CORRECTION)
    return path


@pytest.fixture(scope="module")
def first(study, preset):
    done = run_relabel(study, preset, *NOISE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done, read_evaluation(study)


def test_it_prints_the_table_the_outcomes_and_the_path_of_the_report(study, first):
    lines = first[0].stdout.strip().splitlines()
    assert any(line.startswith("labels, polygon-3: ") and "label Dice 0." in line for line in lines)
    assert any(
        line.startswith(("network, polygon-3: learnt too little", "network, polygon-3: cannot tell")) for line in lines
    )
    (head,) = [index for index, line in enumerate(lines) if line.startswith("Dice with clean / noisy masks")]
    rows = [line[:34].strip() for line in lines[head : head + 6]]
    assert rows[1:] == ["clean labels", "none", "reweight", "relabel tta", "relabel ensemble"]
    assert lines[-1] == f"report: {study}/.overread/latest/relabel/report.html"


def test_every_way_of_training_has_a_cell_with_all_held_out_cases(first):
    evaluation = first[1]
    assert (evaluation.source, evaluation.clean_source, evaluation.methods) == ("tight", "tight", ("tta", "ensemble"))
    assert [(cell.noise, cell.correction, cell.method) for cell in evaluation.cells] == [
        ("", "clean", ""),
        ("polygon-3", "none", ""),
        ("polygon-3", "reweight", ""),
        ("polygon-3", "relabel", "tta"),
        ("polygon-3", "relabel", "ensemble"),
    ]
    assert {(cell.case_count, cell.clean_case_count) for cell in evaluation.cells} == {(2, 2)}
    assert evaluation.missing == ()


def test_learnt_cases_are_relabelled_by_both_methods_and_all_that_were_not_held_out_in_the_new_source(study, first):
    masks = read_relabelled_masks(find_results(study) / "relabel_evaluation")
    cases_of = {key: set(rows["case_id"]) for key, rows in masks.groupby(["labels", "method"])}
    assert cases_of == {
        ("training", "tta"): {"c0", "c2", "c4"},
        ("training", "ensemble"): {"c0", "c2", "c4"},
        ("source", "tta"): {"c0", "c2", "c3", "c4"},
    }
    assert first[1].sources[0].threshold == 0.1


def test_trainings_relabel_in_an_epoch_that_has_one_before_it(first):
    assert [training.method for training in first[1].watched] == ["tta", "ensemble"]
    for training in first[1].watched:
        assert (training.rule, training.chosen_epoch, training.threshold) == ("uncertainty", 2, 0.1)
        assert [epoch.epoch for epoch in training.watched] == [1, 2]
        assert all(epoch.clean_dice is not None and epoch.noisy_dice is not None for epoch in training.watched)


def test_the_relabelled_source_follows_the_noise_on_a_branch_and_the_study_is_untouched(study, first):
    (source,) = first[1].sources
    assert source.name.startswith("tight-polygon-3-relabelled-")
    (noise,), (branch,) = list_branches(study, "overread/label-noise-*"), list_branches(study, "overread/relabel-*")
    assert run_git(study, "rev-parse", f"{branch}^") == run_git(study, "rev-parse", noise)
    added = run_git(study, "diff", "--name-only", "main", branch).splitlines()
    assert {name for name in added if name.endswith(".dvc")} == {
        "labels/tight-polygon-3.dvc",
        f"labels/{source.name}.dvc",
    }
    assert run_git(study, "status", "--porcelain") == ""
    assert set(StudySettings.read_yaml(study / "study.yaml").sources) == {"tight", "wide"}


@pytest.mark.usefixtures("first")
def test_it_leaves_a_report_predictions_and_a_review_list(study, first):
    results, (source,) = find_results(study), first[1].sources
    assert "polygon-3" in (results / "report.html").read_text()
    assert (results / "review" / source.name / "review.html").is_file()
    assert len(list((results / "predictions" / "unet-tight-polygon-3-relabel-tta-repeat0").glob("*.png"))) == 2


def test_a_second_run_reuses_every_variant_and_training(study, preset, first):
    done = run_relabel(study, preset, *NOISE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(": reused") == 1 + TRAININGS
    assert read_evaluation(study).model_dump_json() == first[1].model_dump_json()
    assert len(list_branches(study, "overread/*")) == 2


@pytest.mark.usefixtures("first")
def test_labels_are_repaired_as_they_are_and_compared_with_a_clean_source_of_the_study(study, preset):
    done = run_relabel(
        study, preset, "source=wide", "clean_source=tight", "relabel_after=clean", "epochs=2", "repeats=1"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    evaluation = read_evaluation(study)
    assert (evaluation.source, evaluation.clean_source) == ("wide", "tight")
    assert [cell.correction for cell in evaluation.cells] == ["clean", "none", "reweight", "relabel"]
    assert {cell.noise for cell in evaluation.cells} == {"", "as-given"}
    assert {training.rule for training in evaluation.watched} == {"clean"}
    assert evaluation.sources[0].name.startswith("wide-relabelled-")


@pytest.mark.usefixtures("first")
def test_without_clean_labels_nothing_is_reweighted_and_the_report_says_that_none_are_known(study, preset):
    """Everything is trained twice, which is what a run does if nothing else is asked for."""
    done = run_relabel(study, preset, "source=wide", "relabel_after=1", "epochs=2")
    assert done.returncode == 0, done.stdout + done.stderr
    evaluation = read_evaluation(study)
    assert evaluation.clean_source == ""
    assert [(cell.correction, cell.clean) for cell in evaluation.cells] == [("none", None), ("relabel", None)]
    assert {repair.gain for repair in evaluation.repairs} == {None}
    assert sorted((one.fold, one.repeat) for one in (*evaluation.plain, *evaluation.watched)) == [
        (0, repeat) for repeat in (0, 0, 1, 1)
    ]
    dice = [line.split(",") for line in (find_results(study) / "relabel_evaluation" / "dice.csv").read_text().split()]
    assert {repeat: sum(row[4] == repeat for row in dice) for repeat in "01"} == {"0": 4, "1": 4}
    assert evaluation.skills["as-given"].own > 0
    assert "network, as-given: " in done.stdout
    assert "There are no clean labels" in (find_results(study) / "report.html").read_text()
