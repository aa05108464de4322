"""The compiled `rater-bias` in containers, as a cluster runs it, against the services of the manifests.

The study is pulled by DVC from S3, artifacts are in S3, and MLflow is on PostgreSQL with logins.
"""

import json
from pathlib import Path

import pytest

from overread.adapters.telemetry import list_metrics
from overread.evaluation.results import name_network
from overread.questions.rater_bias.results import CrossEvaluation
from tests.containers.cluster import Cluster, FinishedRun
from tests.containers.git_server import GitServer
from tests.containers.launcher import BUCKET, connect_s3
from tests.containers.network import inside
from tests.containers.played_services import ask, list_probes
from tests.containers.studies import PRESET_PATH
from tests.containers.witnesses import list_runs, read_metrics

TASKS = {
    "fetch_study": 1,
    "add_consensus_sources": 1,
    "plan_trainings": 1,
    "train_networks": 2,
    "predict_cases": 1,
    "cross_evaluate": 1,
    "evaluate_mixing": 1,
    "classify_sources": 1,
    "write_report": 1,
}
"""How often each component runs: eight trainings, four to a task."""
TRAININGS, CLASSIFIERS = 8, 4
"""Classifiers of two folds, each with its shuffled baseline."""
EPOCHS = 1
LEARNT = ("tight", "wide", "tight+0.50-wide", "consensus-majority")
pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def finished(cluster: Cluster, discs: Path, git_server: GitServer) -> FinishedRun:
    """The whole pipeline, once it has run."""
    arguments = {"study": git_server.locate(discs.name), "preset": PRESET_PATH, "folds": 2, "repeats": 1}
    return cluster.run("rater-bias", {**arguments, "epochs": EPOCHS, "mix_ratios": "0.5", "consensus": "majority"})


@pytest.fixture(scope="module")
def results(finished: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its artifacts, a folder per task."""
    folder = tmp_path_factory.mktemp("results")
    finished.fetch(folder)
    return folder


@pytest.mark.usefixtures("services")
def test_every_probe_of_the_manifests_is_answered():
    assert {name: ask(url) for name, url in list_probes()} == {"mlflow": 200, "object-store": 200, "pushgateway": 200}


def test_mlflow_asks_for_a_login(services):
    assert ask(f"{services.environment['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/experiments/search?max_results=1") == 0


def test_every_task_runs_in_its_container(finished):
    assert finished.tasks == TASKS


def test_its_results_are_in_s3(results):
    assert "Does it matter which rater trained my network?" in (results / "write-report" / "report").read_text()
    assert read_evaluation(results).raters == ("tight", "wide")
    assert (results / "classify-sources" / "classification" / "classification.json").is_file()


def test_the_curve_of_the_source_classifier_is_among_its_outputs(finished):
    told = (finished.folder / "classify-sources" / "executor_output.json").read_text()
    (curve,) = json.loads(told)["artifacts"]["roc_of_annotations"]["artifacts"]
    assert len(curve["metadata"]["confidenceMetrics"]) > 2


@pytest.mark.usefixtures("finished")
def test_every_training_is_tracked_in_mlflow(services):
    runs = list_runs(services, "discs", "rater-bias")
    assert len(runs) == 1 + TRAININGS + CLASSIFIERS
    assert {run["status"] for run in runs} == {"FINISHED"}
    (parent,) = [run for run in runs if run["is_parent"]]
    assert parent["name"] == "rater-bias"
    assert "report.html" in parent["files"]


@pytest.mark.usefixtures("finished")
def test_the_pushgateway_is_told_of_every_training(services):
    told = {key: values for key, values in read_metrics(services).items() if key[:2] == ("training", "rater-bias")}
    networks = {("training", "rater-bias", "discs", source, "unet", "segmentation") for source in LEARNT}
    classifier = ("training", "rater-bias", "discs", "tight+wide", "source-classifier", "source-classifier")
    assert set(told) == {*networks, classifier}
    # There is no GPU here.
    common = set(list_metrics("training")) - {"overread_training_gpu_memory_bytes"}
    validation = {f"overread_training_validation_{name}" for name in ("dice_ratio", "loss", "hit_rate_ratio")}
    for key, values in told.items():
        dice, speed = "overread_training_validation_dice_ratio", "overread_training_voxels_per_second"
        assert set(values) == common - (validation - {dice} if key in networks else {dice, speed})
        assert values["overread_training_running"] == 0
        assert values["overread_training_epochs"] == values["overread_training_planned_epochs"]
    assert {told[key]["overread_training_epochs"] for key in networks} == {EPOCHS}
    assert all(told[key]["overread_training_voxels_per_second"] > 0 for key in networks)


def test_the_pushgateway_is_told_the_figures_of_the_evaluation(services, results):
    evaluation, metrics = read_evaluation(results), read_metrics(services)
    dice = {(cell.prediction, cell.reference): cell.mean for cell in evaluation.matrix if cell.metric == "dice"}
    for source, other in (("tight", "wide"), ("wide", "tight")):
        told = metrics["evaluation", "rater-bias", "discs", source]
        assert set(told) == set(list_metrics("evaluation"))
        assert told["overread_evaluation_same_dice_ratio"] == dice[name_network(source), source]
        assert told["overread_evaluation_cross_dice_ratio"] == dice[name_network(source), other]


@pytest.mark.usefixtures("finished")
def test_nothing_is_lost_when_the_services_stop_and_start(services, cluster):
    before = [count_objects(cluster), list_runs(services, "discs", "rater-bias"), read_metrics(services)]
    services.stop()
    assert [url for _, url in list_probes() if ask(url)] == []
    services.start()
    assert [count_objects(cluster), list_runs(services, "discs", "rater-bias"), read_metrics(services)] == before
    assert before[0] > 20


def read_evaluation(results: Path) -> CrossEvaluation:
    path = results / "cross-evaluate" / "cross_evaluation" / "evaluation.json"
    return CrossEvaluation.model_validate_json(path.read_text())


def count_objects(cluster: Cluster) -> int:
    s3 = connect_s3(cluster.services.environment)
    with inside():
        return int(s3.list_objects_v2(Bucket=BUCKET)["KeyCount"])
