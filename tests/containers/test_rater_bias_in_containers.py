"""The compiled `rater-bias` in containers, as a cluster runs it, against the services of the manifests.

The study is pulled by DVC from S3, artifacts are in S3, and MLflow is on PostgreSQL with logins.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.containers.conftest import publish_repository
from tests.containers.engine import REPOSITORY
from tests.containers.launcher import ClusterLauncher, connect_s3, fetch_artifacts, read_platform
from tests.containers.network import inside
from tests.containers.played_services import Services, ask, list_probes
from tests.pipelines.conftest import PRESET, write_raw_data

PACKAGE = REPOSITORY / "pipelines" / "packages" / "rater-bias.yaml"
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
TRAININGS = 8
pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def study_url(services: Services, git_server: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A study of six discs by two raters, whose data are in S3 alone, with a preset in its repository."""
    folder = tmp_path_factory.mktemp("studies")
    study = folder / "discs"
    write_raw_data(folder / "raw")
    run_overread(
        services, "study", "import", str(folder / "raw"), str(study), "--remote", "s3://overread/studies/discs"
    )
    (study / "presets").mkdir()
    (study / "presets" / "tiny.yaml").write_text(PRESET)
    run_overread(services, "study", "commit", str(study), "--message", "A preset")
    published, url = git_server
    publish_repository(study, published)
    return f"{url}/discs"


def run_overread(services: Services, *arguments: str) -> None:
    """Run a command of this checkout where the services are."""
    command = [*services.network.enter, sys.executable, "-m", "overread.cli", *arguments]
    with pytest.MonkeyPatch.context() as environment:
        for name, value in services.environment.items():
            environment.setenv(name, value)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def launcher(image: str, services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterLauncher]:
    """kfp's local runner, with its way of starting containers replaced by that of a cluster."""
    from kfp import local
    from kfp.local import docker_task_handler
    from kfp.local.status import Status

    root = tmp_path_factory.mktemp("kfp") / "root"
    made = ClusterLauncher(
        image=image,
        network=services.network.option,
        platform=read_platform(PACKAGE),
        objects=services.objects,
        s3=connect_s3(services.environment),
        root=root,
    )

    def run(handler: docker_task_handler.DockerTaskHandler) -> Status:
        return Status.SUCCESS if made.run(handler.full_command) == 0 else Status.FAILURE

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(docker_task_handler.DockerTaskHandler, "run", run)
        local.init(local.DockerRunner(), pipeline_root=str(root), raise_on_error=True)
        yield made


@pytest.fixture(scope="module")
def finished(study_url: str, launcher: ClusterLauncher) -> ClusterLauncher:
    """The launcher, once the whole pipeline has run."""
    from kfp import components

    pipeline = components.load_component_from_file(str(PACKAGE))
    pipeline(study=study_url, preset="presets/tiny.yaml", folds=2, epochs=1, mix_ratios="0.5", consensus="majority")
    return launcher


def list_runs(services: Services) -> list[dict[str, object]]:
    """Runs of the study in MLflow with their artifacts, as a client with the login of tasks sees them."""
    from mlflow import MlflowClient

    with pytest.MonkeyPatch.context() as environment, inside():
        for name, value in services.environment.items():
            environment.setenv(name, value)
        client = MlflowClient(services.environment["MLFLOW_TRACKING_URI"])
        experiment = client.get_experiment_by_name("discs")
        assert experiment is not None
        return [
            {
                "name": run.data.tags["mlflow.runName"],
                "status": run.info.status,
                "is_parent": "mlflow.parentRunId" not in run.data.tags,
                "metrics": dict(run.data.metrics),
                "files": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
            }
            for run in client.search_runs([experiment.experiment_id])
        ]


@pytest.mark.usefixtures("services")
def test_every_probe_of_the_manifests_is_answered():
    assert {name: ask(url) for name, url in list_probes()} == {"mlflow": 200, "object-store": 200, "pushgateway": 200}


def test_mlflow_asks_for_a_login(services):
    assert ask(f"{services.environment['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/experiments/search?max_results=1") == 0


def test_every_task_runs_in_its_container(finished):
    assert Counter(finished.ran) == TASKS


def test_its_results_are_in_s3(finished, tmp_path):
    with inside():
        fetch_artifacts(finished.s3, tmp_path)
    (page,) = tmp_path.glob("*/write-report/report")
    assert "Does it matter which rater trained my network?" in page.read_text()
    (evaluation,) = tmp_path.glob("*/cross-evaluate/cross_evaluation/evaluation.json")
    assert json.loads(evaluation.read_text())["raters"] == ["tight", "wide"]
    assert list(tmp_path.glob("*/classify-sources/classification/classification.json"))


def test_the_curve_of_the_source_classifier_is_among_its_outputs(finished):
    (told,) = finished.root.glob("*/classify-sources/executor_output.json")
    (curve,) = json.loads(told.read_text())["artifacts"]["roc_of_annotations"]["artifacts"]
    assert len(curve["metadata"]["confidenceMetrics"]) > 2


@pytest.mark.usefixtures("finished")
def test_every_training_is_tracked_in_mlflow(services):
    runs = list_runs(services)
    assert len(runs) == 1 + TRAININGS
    assert {run["status"] for run in runs} == {"FINISHED"}
    (parent,) = [run for run in runs if run["is_parent"]]
    assert parent["name"] == "rater-bias"
    assert "report.html" in parent["files"]


@pytest.mark.usefixtures("finished")
def test_nothing_is_lost_when_the_services_stop_and_start(services, finished):
    with inside():
        objects = finished.s3.list_objects_v2(Bucket="overread")["KeyCount"]
    before = list_runs(services)
    services.stop()
    assert [url for _, url in list_probes() if ask(url)] == []
    services.start()
    assert list_runs(services) == before
    with inside():
        assert finished.s3.list_objects_v2(Bucket="overread")["KeyCount"] == objects > 20
