"""The compiled `label-noise` and `relabel` in containers: they push what they make of labels to the study."""

from pathlib import Path

import pytest

from tests.containers.cluster import Cluster, FinishedRun
from tests.containers.git_server import LOGIN, GitServer
from tests.containers.studies import CASES, PRESET_PATH, run_module
from tests.containers.witnesses import list_runs, read_metrics

NOISE_TASKS = {
    "fetch_study": 1,
    "make_label_variants": 1,
    "plan_noise_trainings": 1,
    "train_networks": 1,
    "predict_cases": 1,
    "evaluate_noise": 1,
    "write_noise_report": 1,
}
RELABEL_TASKS = {
    "fetch_study": 1,
    "make_label_variants": 1,
    "plan_corrections": 1,
    "train_networks": 1,
    "predict_cases": 1,
    "relabel_sources": 1,
    "evaluate_relabelling": 1,
    "write_relabel_report": 1,
}
VARIANT = "tight-choppy-0.90"
pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def noise(cluster: Cluster, discs: Path, git_server: GitServer) -> FinishedRun:
    study = git_server.locate(discs.name, may_push=True)
    arguments = {
        "study": study,
        "source": "tight",
        "variants": "choppy-0.90",
        "networks": "unet",
        "folds": 2,
        "repeats": 1,
    }
    return cluster.run("label-noise", {**arguments, "preset": PRESET_PATH})


@pytest.fixture(scope="module")
def relabelling(cluster: Cluster, discs: Path, git_server: GitServer) -> FinishedRun:
    """On masks as they are: without clean ones there are two trainings, of which one relabels."""
    study = git_server.locate(discs.name, may_push=True)
    arguments = {"study": study, "source": "wide", "relabel_after": "1", "epochs": 2, "repeats": 1}
    return cluster.run("relabel", {**arguments, "preset": PRESET_PATH})


@pytest.fixture(scope="module")
def review(relabelling: FinishedRun, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The review lists, a folder per new source."""
    folder = tmp_path_factory.mktemp("relabelled")
    relabelling.fetch(folder)
    return folder / "relabel-sources" / "review"


def test_every_task_of_label_noise_runs_in_its_container(noise, tmp_path):
    assert noise.tasks == NOISE_TASKS
    noise.fetch(tmp_path)
    assert VARIANT.removeprefix("tight-") in (tmp_path / "write-noise-report" / "report").read_text()


@pytest.mark.usefixtures("noise")
def test_a_user_finds_the_perturbed_masks_in_git_and_s3(discs, git_server, services, tmp_path):
    (branch,) = git_server.list_branches(discs.name, "overread/label-noise-*")
    clone = tmp_path / "clone"
    git_server.check_out(discs.name, branch, clone)
    run_module(services, "dvc", "pull", "--quiet", f"labels/{VARIANT}.dvc", folder=clone)
    assert len(list((clone / "labels" / VARIANT).glob("*.png"))) == CASES


def test_every_task_of_relabel_runs_in_its_container(relabelling, review):
    assert relabelling.tasks == RELABEL_TASKS
    (source,) = review.iterdir()
    assert (source / "review.html").is_file()


def test_relabelled_masks_are_pushed_to_git(discs, git_server, review):
    (branch,) = git_server.list_branches(discs.name, "overread/relabel-*")
    (source,) = review.iterdir()
    assert f"labels/{source.name}.dvc" in git_server.list_files(discs.name, branch)


@pytest.mark.usefixtures("relabelling")
def test_the_pushgateway_is_told_what_relabelling_changed(services):
    told = read_metrics(services)["relabelling", "relabel", "discs", "wide"]
    assert set(told) == {f"overread_relabelling_changed_{what}" for what in ("cases", "voxels")}


@pytest.mark.usefixtures("noise", "relabelling")
@pytest.mark.parametrize("pipeline", ["label-noise", "relabel"])
def test_mlflow_keeps_the_address_of_the_study_without_its_login(services, pipeline, git_server, discs):
    runs = list_runs(services, "discs", pipeline)
    (parent,) = [run for run in runs if run["is_parent"]]
    assert git_server.locate(discs.name) in str(parent["data"])
    assert LOGIN.partition(":")[2] not in str(runs)
