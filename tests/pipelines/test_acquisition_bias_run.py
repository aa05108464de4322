"""`overread run acquisition-bias` on a small study of two vendors, as a user types it."""

import subprocess
from pathlib import Path

import pytest

from overread.adapters.versioning import commit_study, initialise_study_repository
from overread.questions.acquisition_bias.steps.evaluate_probes import read_evaluation
from tests.pipelines.conftest import run_module
from tests.unit.vendor_studies import make_probe_preset, write_vendors

PROBES = 4 * 4
"""Regions and folds."""
pytestmark = pytest.mark.slow


def run_probe(study: Path, preset: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    choices = (f"preset={preset}", "column=vendor", *settings)
    return run_module("overread.cli", "run", "acquisition-bias", str(study), "--set", *choices)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "vendors"
    write_vendors(folder)
    initialise_study_repository(folder)
    commit_study(folder, "Two vendors")
    return folder


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("preset") / "tiny.yaml"
    make_probe_preset(epochs=6).write_yaml(path)
    return path


@pytest.fixture(scope="module")
def first(study: Path, preset: Path) -> subprocess.CompletedProcess[str]:
    done = run_probe(study, preset)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_it_prints_a_row_per_variant_the_confounders_and_the_path_of_the_report(study, first):
    lines = first.stdout.strip().splitlines()
    (head,) = [index for index, line in enumerate(lines) if line.startswith("Naming vendor")]
    rows = [line[:20].strip() for line in lines[head + 1 : head + 5]]
    assert rows == ["whole slice", "padding and air", "body", "noise residue"]
    assert " told (p " in lines[head + 2]
    assert lines[head + 5].startswith("AUROC by chance alone, 16 subjects: ")
    assert any(line.startswith("vendor is confounded with site (V ") for line in lines)
    assert lines[-1] == f"report: {study}/.overread/latest/acquisition-bias/report.html"


@pytest.mark.usefixtures("first")
def test_every_held_out_case_is_in_the_curve_and_the_confusion_matrix(study):
    evaluation = read_evaluation(study / ".overread" / "latest" / "acquisition-bias" / "acquisition_evaluation")
    outside = evaluation.find_variant("outside")
    assert outside is not None
    assert outside.test.is_told
    assert sum(map(sum, outside.confusion)) == 32
    assert outside.roc is not None
    assert outside.roc.auc == pytest.approx(outside.auroc.estimate)


@pytest.mark.usefixtures("first")
def test_mlflow_has_the_figures_and_tables_and_a_run_of_every_probe_below(study):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{study / '.overread' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("vendors")
    runs = client.search_runs([experiment.experiment_id])
    (run,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    probes = [one for one in runs if one.data.tags.get("mlflow.parentRunId") == run.info.run_id]
    assert len(probes) == len(runs) - 1 == PROBES
    assert {(probe.info.status, probe.data.tags["kind"]) for probe in probes} == {("FINISHED", "acquisition-probe")}
    assert (run.info.status, run.data.tags["mlflow.runName"]) == ("FINISHED", "acquisition-bias")
    assert run.data.params["column"] == "vendor"
    assert run.data.metrics["outside_told"] == 1
    assert run.data.tags["verdict"] == "told"
    assert {file.path for file in client.list_artifacts(run.info.run_id)} >= {
        "report.html",
        "evaluation.json",
        "scores.csv",
    }


def test_a_second_run_reuses_every_probe_and_the_page(study, preset, first):
    page = study / ".overread" / "latest" / "acquisition-bias" / "report.html"
    before = page.read_bytes()
    again = run_probe(study, preset)
    assert again.returncode == 0, again.stdout + again.stderr
    assert (first.stdout.count(": reused"), again.stdout.count(": reused")) == (0, PROBES)
    assert page.read_bytes() == before
