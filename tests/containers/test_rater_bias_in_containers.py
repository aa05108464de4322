"""The compiled `rater-bias` in containers, as a cluster runs it: study and artifacts in S3, MLflow with logins."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.containers.conftest import LOGIN, Surroundings, publish_repository
from tests.containers.engine import REPOSITORY
from tests.containers.launcher import ClusterLauncher, connect_s3, fetch_artifacts, read_platform
from tests.pipelines.conftest import write_raw_data

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
pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]


@pytest.fixture
def study_url(tmp_path: Path, surroundings: Surroundings, git_server: tuple[Path, str]) -> str:
    """A study of six discs by two raters, whose data are in S3 alone."""
    write_raw_data(tmp_path / "raw")
    command = [sys.executable, "-m", "overread.cli", "study", "import", str(tmp_path / "raw"), str(tmp_path / "discs")]
    environment = {**os.environ, **surroundings.s3.environment}
    subprocess.run([*command, "--remote", "s3://studies/discs"], check=True, env=environment, capture_output=True)
    folder, url = git_server
    publish_repository(tmp_path / "discs", folder)
    return f"{url}/discs"


@pytest.fixture
def launcher(
    image: str, surroundings: Surroundings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ClusterLauncher:
    """kfp's local runner, with its way of starting containers replaced by that of a cluster."""
    from kfp import local
    from kfp.local import docker_task_handler
    from kfp.local.status import Status

    root = tmp_path / "root"
    made = ClusterLauncher(
        image=image,
        network=surroundings.network,
        platform=read_platform(PACKAGE),
        objects=surroundings.objects,
        s3=connect_s3(surroundings.s3.environment),
        root=root,
    )

    def run(handler: docker_task_handler.DockerTaskHandler) -> Status:
        return Status.SUCCESS if made.run(handler.full_command) == 0 else Status.FAILURE

    monkeypatch.setattr(docker_task_handler.DockerTaskHandler, "run", run)
    local.init(local.DockerRunner(), pipeline_root=str(root), raise_on_error=True)
    return made


def test_every_task_runs_in_its_container_and_leaves_its_results_in_s3(study_url, launcher, tmp_path, monkeypatch):
    from kfp import components

    from mlflow import MlflowClient

    pipeline = components.load_component_from_file(str(PACKAGE))
    pipeline(study=study_url, preset="cells", folds=2, epochs=1, mix_ratios="0.5", consensus="majority")
    assert Counter(launcher.ran) == TASKS

    fetch_artifacts(launcher.s3, tmp_path / "found")
    (page,) = (tmp_path / "found").glob("*/write-report/report")
    assert "Does it matter which rater trained my network?" in page.read_text()
    (evaluation,) = (tmp_path / "found").glob("*/cross-evaluate/cross_evaluation/evaluation.json")
    assert '"raters": [' in evaluation.read_text()
    assert list((tmp_path / "found").glob("*/classify-sources/classification/classification.json"))
    (told,) = launcher.root.glob("*/classify-sources/executor_output.json")
    (curve,) = json.loads(told.read_text())["artifacts"]["roc_of_annotations"]["artifacts"]
    assert len(curve["metadata"]["confidenceMetrics"]) > 2

    for name, value in {**LOGIN, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}.items():
        monkeypatch.setenv(name, value)
    client = MlflowClient(launcher.objects.config_maps["overread"]["MLFLOW_TRACKING_URI"])
    experiment = client.get_experiment_by_name("discs")
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    (parent,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert len(runs) == 1 + 2 * (2 + 1 + 1)
    assert "report.html" in {file.path for file in client.list_artifacts(parent.info.run_id)}
