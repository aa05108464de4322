"""The compiled `crowd-disagreement` on tables in S3, and `acquisition-bias` on two vendors, in containers."""

import csv
import io

import numpy as np
import pytest

from overread.adapters.versioning import initialise_study_repository
from tests.containers.cluster import Cluster, FinishedRun
from tests.containers.git_server import GitServer
from tests.containers.launcher import BUCKET, connect_s3
from tests.containers.network import inside
from tests.containers.played_services import Services
from tests.containers.studies import PRESET_PATH, run_overread
from tests.containers.witnesses import list_runs
from tests.unit.vendor_studies import make_probe_preset, write_vendors

CROWD_TASKS = {"fetch_annotations": 1, "analyse_disagreement": 1, "write_disagreement_report": 1}
PROBE_TASKS = {"fetch_study": 1, "plan_probes": 1, "train_probes": 3, "evaluate_probes": 1, "write_probe_report": 1}
"""How often each component runs: four regions in three rounds, four trainings to a task."""
PROBES = 12
MOLES = [f"mole{index:02}" for index in range(16)]
pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def crowd(cluster: Cluster) -> FinishedRun:
    """Every second mole is sick, and three annotators see it by its colour."""
    generator = np.random.default_rng(0)
    colours = [[f"{10 * (index % 2) + generator.normal():.3f}" for _ in range(3)] for index in range(len(MOLES))]
    ratings = [[mole, *row] for mole, row in zip(MOLES, colours, strict=True)]
    tables = {
        "ratings": put_table(cluster.services, "moles", ["case_id", "colour_1", "colour_2", "colour_3"], ratings),
        "outcomes": put_table(
            cluster.services, "biopsies", ["case_id", "sick"], [[mole, i % 2] for i, mole in enumerate(MOLES)]
        ),
    }
    return cluster.run("crowd-disagreement", {**tables, "folds": 2})


@pytest.fixture(scope="module")
def probes(cluster: Cluster, git_server: GitServer, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    study = tmp_path_factory.mktemp("vendors") / "vendors"
    write_vendors(study, subject_count=12)
    (study / PRESET_PATH).parent.mkdir()
    make_probe_preset(epochs=1).write_yaml(study / PRESET_PATH)
    initialise_study_repository(study, remote="s3://overread/studies/vendors")
    run_overread(cluster.services, "study", "commit", str(study), "--message", "Two vendors")
    git_server.publish(study)
    arguments = {"study": git_server.locate(study.name), "column": "vendor", "folds": 3}
    return cluster.run("acquisition-bias", {**arguments, "preset": PRESET_PATH})


def put_table(services: Services, name: str, header: list[str], rows: list[list[object]]) -> str:
    """Bring a table to S3; returns its URL."""
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    s3 = connect_s3(services.environment)
    with inside():
        s3.put_object(Bucket=BUCKET, Key=f"tables/{name}.csv", Body=text.getvalue().encode())
    return f"s3://{BUCKET}/tables/{name}.csv"


def test_every_task_of_crowd_disagreement_runs_in_its_container(crowd, tmp_path):
    assert crowd.tasks == CROWD_TASKS
    crowd.fetch(tmp_path)
    page = (tmp_path / "write-disagreement-report" / "report").read_text()
    assert "Is the disagreement of annotators informative?" in page


@pytest.mark.usefixtures("crowd")
def test_the_analysis_of_ratings_is_tracked_in_mlflow(services):
    (run,) = list_runs(services, "moles", "crowd-disagreement")
    assert run["status"] == "FINISHED"
    assert run["metrics"]["auc_consensus"] == 1.0


def test_every_task_of_acquisition_bias_runs_in_its_container(probes, tmp_path):
    assert probes.tasks == PROBE_TASKS
    probes.fetch(tmp_path)
    assert "vendor" in (tmp_path / "write-probe-report" / "report").read_text()


@pytest.mark.usefixtures("probes")
def test_the_probes_are_tracked_in_mlflow(services):
    runs = list_runs(services, "vendors", "acquisition-bias")
    (parent,) = [run for run in runs if run["is_parent"]]
    assert len(runs) == 1 + PROBES
    assert {run["status"] for run in runs} == {"FINISHED"}
    assert {"report.html", "evaluation.json", "scores.csv"} <= set(parent["files"])
