"""`python -m pipelines run rater-bias` on a small study, as a user types it."""

import json
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from overread.errors import VersioningError
from overread.evaluation.results import CrossEvaluation
from pipelines.catalogue import find_pipeline
from pipelines.local import run_locally
from tests.pipelines.conftest import draw_disc, run_module

NETWORKS = 4
WITHOUT_FURTHER_PARTS = ("mix_ratios=", "classifier=false", "consensus=")
pytestmark = pytest.mark.usefixtures("first")


def run_rater_bias(study: Path, preset: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    choices = (f"preset={preset}", "folds=2", *WITHOUT_FURTHER_PARTS, *settings)
    return run_module("pipelines", "run", "rater-bias", "--study", str(study), "--set", *choices)


def find_runs(study: Path):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{study / '.overread' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("discs")
    return client, client.search_runs([experiment.experiment_id], max_results=1000)


def list_reused(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.split(":")[0].strip() for line in done.stdout.splitlines() if line.endswith(": reused")]


@pytest.fixture(scope="module")
def first(study, preset):
    done = run_rater_bias(study, preset)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_it_prints_the_matrix_and_the_path_of_the_report(study, first):
    assert "network-tight" in first.stdout
    assert first.stdout.strip().splitlines()[-1] == f"report: {study}/.overread/latest/rater-bias/report.html"


def test_every_task_has_a_line_and_no_library_noise_is_shown(first):
    for task in ("fetch-study", "plan-trainings", "train-networks", "predict-cases", "cross-evaluate", "write-report"):
        assert f"  {task} done after " in first.stdout
    assert "INFO" not in first.stdout


def test_the_report_is_one_page_that_answers_the_question(study):
    page = (study / ".overread" / "latest" / "rater-bias" / "report.html").read_text()
    assert "Does it matter which rater trained my network?" in page
    assert "network-tight" in page or "tight" in page


def test_the_evaluation_covers_every_pair_and_case(study):
    folder = study / ".overread" / "latest" / "rater-bias" / "cross_evaluation"
    evaluation = CrossEvaluation.model_validate_json((folder / "evaluation.json").read_text())
    assert evaluation.sources == ("tight", "wide")
    assert evaluation.dice_gap is not None
    (pair,) = evaluation.pairs
    assert pair.source_order.below == 6


def test_mlflow_has_one_parent_and_one_child_per_training_each_with_its_data(study):
    _, runs = find_runs(study)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert [run.data.tags["mlflow.runName"] for run in parents] == ["rater-bias"]
    assert len(children) == NETWORKS
    revision = subprocess.run(
        ["git", "-C", study, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    for run in runs:
        assert run.info.status == "FINISHED"
        assert run.data.tags["dvc_rev"] == revision
        assert len(run.data.tags["study_digest"]) == 64
        assert run.inputs.dataset_inputs[0].dataset.name == "discs"
        assert len(run.data.metrics) <= 30
    assert {(run.data.tags["source"], run.data.tags["fold"]) for run in children} == {
        ("tight", "0"),
        ("tight", "1"),
        ("wide", "0"),
        ("wide", "1"),
    }


def test_the_parent_run_holds_summary_metrics_tables_and_the_report(study):
    client, runs = find_runs(study)
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert {"same_dice", "cross_dice", "dice_gap", "paired_p"} <= parent.data.metrics.keys()
    artifacts = {item.path for item in client.list_artifacts(parent.info.run_id)}
    assert {"evaluation.json", "comparisons.csv", "report.html"} <= artifacts


def test_a_second_run_reuses_every_training_and_opens_no_new_run(study, preset):
    before = {run.info.run_id for run in find_runs(study)[1]}
    again = run_rater_bias(study, preset)
    assert again.returncode == 0, again.stderr
    assert len(list_reused(again)) == NETWORKS
    assert {run.info.run_id for run in find_runs(study)[1]} == before


@pytest.mark.slow
def test_new_labels_retrain_their_source_only_and_an_old_revision_can_be_named(study, preset):
    old = subprocess.run(["git", "-C", study, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout
    Image.fromarray(draw_disc(9).astype("uint8")).save(study / "labels" / "wide" / "c0.png")
    refused = run_rater_bias(study, preset)
    assert refused.returncode == 2
    assert "overread study commit" in refused.stderr

    done = run_module("overread.cli", "study", "commit", str(study), "--message", "Redraw c0")
    assert done.returncode == 0, done.stderr
    changed = run_rater_bias(study, preset)
    assert changed.returncode == 0, changed.stderr
    assert {name.split("-")[1] for name in list_reused(changed)} == {"tight"}

    named = run_rater_bias(study, preset, f"revision={old.strip()}")
    assert named.returncode == 0, named.stderr
    assert len(list_reused(named)) == NETWORKS


def test_predictions_can_be_added_to_the_study_as_a_source(study):
    masks = study / ".overread" / "latest" / "rater-bias" / "predictions" / "network-tight"
    assert run_module("overread.cli", "labels", "add", str(study), str(masks)).returncode == 0
    assert run_module("overread.cli", "study", "check", str(study)).returncode == 0
    again = run_module("overread.cli", "labels", "add", str(study), str(masks))
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "never overwritten" in again.stderr
    assert run_module("overread.cli", "study", "commit", str(study), "--message", "Add predictions").returncode == 0


def test_what_a_task_refuses_is_one_message_and_exit_code_2(study, preset):
    done = run_rater_bias(study, preset, "sources=tight,nobody")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr == "error: a source must be one of the study, got 'nobody'. Hint: known: tight, wide.\n"


def test_a_revision_that_is_not_there_is_refused_before_anything_is_written(study, tmp_path):
    with pytest.raises(VersioningError, match="v9"):
        run_locally(find_pipeline("rater-bias"), study, {"revision": "v9"}, workspace=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_the_summary_can_be_read_by_a_program(study):
    folder = study / ".overread" / "latest" / "rater-bias" / "cross_evaluation"
    assert json.loads((folder / "evaluation.json").read_text())["study"] == "discs"
