"""`overread run rater-bias` on a small study, as a user types it, with all its parts."""

import json
import subprocess
from itertools import product
from pathlib import Path

import pytest
from PIL import Image

from overread.errors import VersioningError
from overread.kubeflow.catalogue import find_pipeline
from overread.kubeflow.local import run_locally
from overread.questions.rater_bias.mixing_results import MixingEvaluation
from overread.questions.rater_bias.results import CrossEvaluation
from overread.questions.rater_bias.steps.classify_sources import read_classified_sources
from overread.questions.rater_bias.steps.cross_evaluate import read_evaluation
from tests.pipelines.conftest import draw_disc, run_module

RATERS = ("tight", "wide")
LEARNT = (*RATERS, "consensus-majority", "tight+0.50-wide", "tight+1.00-wide")
"""What a network of each of two folds learns."""
WITHOUT_FURTHER_PARTS = ("mix_ratios=", "classifier=false", "consensus=")
WITNESS = """
import sys

def note(what):
    with open({path!r}, "a") as file:
        file.write(what + "\\n")

class Witness:
    def find_spec(self, name, path=None, target=None):
        if name in ("pandas", "torch"):
            note(name)

note("interpreter")
sys.meta_path.insert(0, Witness())
"""
"""Notes each start of an interpreter and each import of a large library; forks inherit it."""
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("first")]


def run_rater_bias(study: Path, preset: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    choices = (f"preset={preset}", "folds=2", "repeats=1", "mix_ratios=1,0.5", "consensus=majority", *settings)
    return run_module("overread.cli", "run", "rater-bias", str(study), "--set", *choices)


def find_runs(study: Path):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{study / '.overread' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("discs")
    return client, client.search_runs([experiment.experiment_id], max_results=1000)


def list_reused_trainings(done: subprocess.CompletedProcess[str]) -> list[str]:
    """Sources of the networks that were not trained again, one per fold."""
    lines = [line.strip() for line in done.stdout.splitlines() if line.endswith(": reused")]
    return [line.split("unet-")[1].split("-fold")[0] for line in lines if "unet-" in line]


def read_head(study: Path) -> str:
    command = ["git", "-C", study, "rev-parse", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def first(study, preset):
    done = run_rater_bias(study, preset)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def results(study: Path) -> Path:
    return study / ".overread" / "latest" / "rater-bias"


def test_it_prints_the_matrix_and_the_path_of_the_report(study, first):
    assert "network-tight" in first.stdout
    assert first.stdout.strip().splitlines()[-1] == f"report: {study}/.overread/latest/rater-bias/report.html"


def test_every_task_has_a_line_and_no_library_noise_is_shown(first):
    for task in ("fetch-study", "plan-trainings", "train-networks", "predict-cases", "cross-evaluate", "write-report"):
        assert f"  {task} done after " in first.stdout
    assert "INFO" not in first.stdout


def test_the_report_is_one_page_that_answers_the_question_and_shows_all_parts(results):
    page = (results / "report.html").read_text()
    for part in (
        "Does it matter which rater trained my network?",
        'id="mixing"',
        'id="source-classifier"',
        "consensus-majority",
    ):
        assert part in page


def test_the_evaluation_covers_every_pair_and_case(results):
    text = (results / "cross_evaluation" / "evaluation.json").read_text()
    assert json.loads(text)["study"] == "discs"
    evaluation = CrossEvaluation.model_validate_json(text)
    assert evaluation.sources == ("tight", "wide", "consensus-majority")
    assert evaluation.dice_gap is not None
    (pair,) = [pair for pair in evaluation.pairs if (pair.first, pair.second) == RATERS]
    assert pair.source_order.below == 6


def test_networks_of_mixed_labels_are_compared_with_every_rater(results):
    mixing = MixingEvaluation.model_validate_json((results / "mixing_evaluation" / "mixing.json").read_text())
    assert (mixing.first, mixing.second) == RATERS
    assert [network.ratio for network in mixing.networks] == [0.0, 0.5, 1.0]
    assert {reference.reference for reference in mixing.networks[0].dice} == {"tight", "wide", "consensus-majority"}
    assert (results / "predictions" / "network-tight+0.50-wide" / "c0.png").is_file()


def test_raters_alone_are_told_apart(results):
    found = read_classified_sources(results / "classification")
    assert found is not None
    classification, hits = found
    assert classification.sources == RATERS
    assert set(hits["case_id"]) == {f"c{index}" for index in range(6)}


def test_mlflow_has_one_parent_and_one_child_per_training_each_with_its_data(study):
    _, runs = find_runs(study)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert [run.data.tags["mlflow.runName"] for run in parents] == ["rater-bias"]
    for run in runs:
        assert run.info.status == "FINISHED"
        assert run.data.tags["dvc_rev"] == read_head(study)
        assert len(run.data.tags["study_digest"]) == 64
        assert run.inputs.dataset_inputs[0].dataset.name == "discs"
        assert len(run.data.metrics) <= 30
    found = sorted((run.data.tags["kind"], run.data.tags["source"], run.data.tags["fold"]) for run in children)
    classifiers = 2 * [("source-classifier", "+".join(RATERS), fold) for fold in ("0", "1")]
    assert found == sorted([*product(("segmentation",), LEARNT, ("0", "1")), *classifiers])


def test_the_parent_run_holds_verdict_summary_metrics_tables_and_the_report(study, results):
    client, runs = find_runs(study)
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert {"same_dice", "cross_dice", "dice_gap", "skill"} <= parent.data.metrics.keys()
    assert parent.data.tags["verdict"] == read_evaluation(results / "cross_evaluation").verdict
    artifacts = {item.path for item in client.list_artifacts(parent.info.run_id)}
    assert {"evaluation.json", "comparisons.csv", "repeats.csv", "report.html"} <= artifacts


def test_a_second_run_reuses_every_training_and_opens_no_new_run(study, preset):
    before = {run.info.run_id for run in find_runs(study)[1]}
    again = run_rater_bias(study, preset)
    assert again.returncode == 0, again.stderr
    assert sorted(list_reused_trainings(again)) == sorted(2 * LEARNT)
    assert {run.info.run_id for run in find_runs(study)[1]} == before


def test_a_run_that_reuses_all_starts_no_interpreter_per_task_and_imports_no_torch(
    study, preset, tmp_path, monkeypatch
):
    seen = tmp_path / "seen.txt"
    (tmp_path / "sitecustomize.py").write_text(WITNESS.format(path=str(seen)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run_rater_bias(study, preset).returncode == 0
    lines = seen.read_text().splitlines()
    assert lines.count("interpreter") == len(
        ["the run", "multiprocessing's tracker", "the process that tasks fork from"]
    )
    assert lines.count("pandas") == 1
    assert "torch" not in lines


def test_new_labels_retrain_their_source_only_and_an_old_revision_can_be_named(study, preset):
    old = read_head(study)
    Image.fromarray(draw_disc(9).astype("uint8")).save(study / "labels" / "wide" / "c0.png")
    refused = run_rater_bias(study, preset)
    assert refused.returncode == 2
    assert "overread study commit" in refused.stderr

    done = run_module("overread.cli", "study", "commit", str(study), "--message", "Redraw c0")
    assert done.returncode == 0, done.stderr
    changed = run_rater_bias(study, preset, *WITHOUT_FURTHER_PARTS)
    assert changed.returncode == 0, changed.stderr
    assert list_reused_trainings(changed) == ["tight", "tight"]

    named = run_rater_bias(study, preset, *WITHOUT_FURTHER_PARTS, f"revision={old}")
    assert named.returncode == 0, named.stderr
    assert sorted(list_reused_trainings(named)) == ["tight", "tight", "wide", "wide"]


def test_predictions_can_be_added_to_the_study_as_a_source(study, results):
    masks = results / "predictions" / "network-tight"
    assert run_module("overread.cli", "labels", "add", str(study), str(masks)).returncode == 0
    assert run_module("overread.cli", "study", "check", str(study)).returncode == 0
    again = run_module("overread.cli", "labels", "add", str(study), str(masks))
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "never overwritten" in again.stderr
    assert run_module("overread.cli", "study", "commit", str(study), "--message", "Add predictions").returncode == 0


def test_what_a_task_refuses_is_one_message_and_exit_code_2(study, preset):
    done = run_rater_bias(study, preset, "sources=tight,nobody")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: a source must be one of the study, got 'nobody'")


def test_a_revision_that_is_not_there_is_refused_before_anything_is_written(study, tmp_path):
    with pytest.raises(VersioningError, match="v9"):
        run_locally(find_pipeline("rater-bias"), study, {"revision": "v9"}, workspace=tmp_path / "new")
    assert not (tmp_path / "new").exists()
