"""Uploading packages as versions that are named by commit and content."""

import hashlib
import os
import shutil
import subprocess
import sys

import pytest

import overread
from tests.conftest import REPOSITORY
from tests.kubeflow.conftest import commit_all
from tests.kubeflow.kubeflow_server import Mishap


def name_version(checkout, name):
    commit = find_commit(checkout)
    digest = hashlib.sha256((checkout / "pipelines" / "packages" / f"{name}.yaml").read_bytes()).hexdigest()
    return f"{name}-{commit[:10]}-{digest[:8]}"


def find_commit(checkout):
    command = ["git", "rev-parse", "HEAD"]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True).stdout.strip()


def test_the_first_upload_makes_the_pipeline_and_its_version(kubeflow, upload, checkout, packages):
    version = name_version(checkout, "relabel")
    code, output, errors = upload("relabel")
    page = f"{kubeflow.address}/#/pipelines/details/pipeline-1/version/pipeline_version-2"
    assert (code, output, errors) == (0, f"{version}: uploaded, {page}\n", "")
    (pipeline,) = kubeflow.state.pipelines
    assert pipeline["display_name"] == "relabel"
    assert pipeline["description"].startswith("Where are labels wrong")
    assert kubeflow.state.packages == {version: (packages / "relabel.yaml").read_bytes()}
    assert find_commit(checkout) in kubeflow.state.versions[0]["description"]


def test_the_same_upload_again_is_already_there(kubeflow, upload):
    first, second = upload("relabel")[1], upload("relabel")[1]
    assert second == first.replace("uploaded", "already there")
    assert (len(kubeflow.state.pipelines), len(kubeflow.state.versions)) == (1, 1)


def test_a_package_for_another_image_is_a_second_version_of_the_same_commit(kubeflow, upload, packages):
    upload("relabel")
    path = packages / "relabel.yaml"
    path.write_text(path.read_text().replace("overread/overread:0.1.0", "registry.example/overread:0.1.0"))
    assert ": uploaded, " in upload("relabel")[1]
    first, second = (version["name"].split("-") for version in kubeflow.state.versions)
    assert first[1] == second[1]
    assert first[2] != second[2]
    assert len(kubeflow.state.pipelines) == 1


def test_all_pipelines_are_uploaded_where_none_is_named(kubeflow, upload, packages):
    code, output, _ = upload()
    names = {path.stem for path in packages.glob("*.yaml")}
    assert code == 0
    assert {pipeline["display_name"] for pipeline in kubeflow.state.pipelines} == names
    assert len(output.splitlines()) == len(names)


def test_pipeline_and_version_are_found_on_later_pages(kubeflow, upload, checkout):
    version, state = name_version(checkout, "relabel"), kubeflow.state
    state.largest_page = 1
    state.pipelines += [{"pipeline_id": f"p{n}", "display_name": name} for n, name in enumerate(["RELABEL", "relabel"])]
    state.versions += [
        {"pipeline_id": "p1", "pipeline_version_id": f"v{n}", "display_name": name, "name": name}
        for n, name in enumerate([version.upper(), version])
    ]
    assert upload("relabel")[1].endswith("already there, " + f"{kubeflow.address}/#/pipelines/details/p1/version/v1\n")


def test_a_pipeline_belongs_to_the_namespace(kubeflow, upload):
    kubeflow.state.namespaces = ("team-a",)
    assert upload("relabel", "--namespace", "team-a")[0] == 0
    assert upload("relabel", "--namespace", "team-a")[0] == 0
    assert [pipeline["namespace"] for pipeline in kubeflow.state.pipelines] == ["team-a"]


def test_a_change_outside_the_packages_is_refused(kubeflow, upload, checkout):
    (checkout / "README.md").write_text("Another text.\n")
    code, _, errors = upload("relabel")
    assert code == 2
    assert "the checkout must hold no change that no commit holds, got 1: README.md" in errors
    assert kubeflow.exchanges == []


@pytest.mark.parametrize("inside_another", [False, True], ids=["no checkout", "the checkout of something else"])
def test_an_installed_package_is_named_by_its_release(kubeflow, upload, checkout, packages, inside_another):
    shutil.rmtree(checkout / ".git")
    if inside_another:
        (checkout / ".gitignore").write_text("pipelines/\n")
        commit_all(checkout)
    code, output, _ = upload("relabel")
    digest = hashlib.sha256((packages / "relabel.yaml").read_bytes()).hexdigest()
    assert (code, output.split(":")[0]) == (0, f"relabel-{overread.__version__}-{digest[:8]}")
    assert f"release {overread.__version__}" in kubeflow.state.versions[0]["description"]


def test_an_unknown_pipeline_is_refused_before_any_upload(kubeflow, upload):
    code, _, errors = upload("relabel", "relable")
    assert (code, "got 'relable'" in errors) == (2, True)
    assert kubeflow.exchanges == []


def test_a_version_that_somebody_else_makes_at_the_same_time_is_named(kubeflow, upload):
    there = b'{"pipelines": [{"pipeline_id": "p", "display_name": "relabel"}]}'
    kubeflow.mishaps.extend([Mishap(200, there), Mishap(200, b"{}"), Mishap(409, b'{"message": "name in use"}')])
    code, _, errors = upload("relabel")
    assert code == 2
    assert "what is to be made must not exist yet, got 409 name in use" in errors


def test_a_checkout_uploads_from_the_command_line(kubeflow, tmp_path):
    checkout = tmp_path / "real"
    shutil.copytree(REPOSITORY / "src", checkout / "src", ignore=shutil.ignore_patterns("__pycache__"))
    commit = commit_all(checkout)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "overread.cli", "upload", "relabel", "--host", kubeflow.address],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(checkout / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"relabel-{commit[:10]}-")
