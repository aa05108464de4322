"""`overread run crowd-disagreement` on a small table and on a small study, as a user types it.

Of 16 moles, the 8 sick ones have a colour that is 10 higher for all annotators: the mean tells the outcome of all.
"""

import csv
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from overread.adapters.versioning import commit_study
from overread.questions.crowd_disagreement.presets import CrowdPreset
from overread.questions.crowd_disagreement.results import CrowdEvaluation
from overread.questions.crowd_disagreement.steps.crowd_analysis_files import read_crowd_evaluation, read_origin
from overread.study.cases import Case, write_cases
from overread.study.digest import compute_file_digest
from tests.pipelines.conftest import REPOSITORY, run_module
from tests.studies import write_squares

QUICK = {"folds": 2, "repeats": 1, "permutations": 99, "permutation_repeats": 1}
NAMES = [f"mole{index:02d}" for index in range(16)]
REUSED = "analysis of moles: reused"


def run_crowd_disagreement(workspace: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_module("overread.cli", "run", "crowd-disagreement", "--workspace", str(workspace), *arguments)


def find_results(workspace: Path) -> Path:
    return workspace / "latest" / "crowd-disagreement"


def read_results(workspace: Path) -> CrowdEvaluation:
    return read_crowd_evaluation(find_results(workspace) / "crowd_evaluation")


def find_runs(workspace: Path, experiment: str):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{workspace / 'mlflow.db'}")
    found = client.get_experiment_by_name(experiment)
    return client, client.search_runs([found.experiment_id])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("preset") / "quick.yaml"
    CrowdPreset.parse({"description": "quick", "analysis": QUICK}, where="tests").write_yaml(path)
    return f"preset={path}"


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Settings that name two tables by paths relative to the folder in which a pipeline is run."""
    folder, generator = tmp_path_factory.mktemp("tables"), np.random.default_rng(0)
    header = [f"{feature}_{annotator}" for annotator in (1, 2, 3) for feature in ("colour", "border")]
    ratings = generator.normal(0, 1, (len(NAMES), len(header)))
    ratings[::2, ::2] += 10
    with (folder / "moles.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["case_id", *header], *([n, *row] for n, row in zip(NAMES, ratings, strict=True))])
    with (folder / "biopsies.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["case_id", "sick"], *([n, 1 - i % 2] for i, n in enumerate(NAMES))])
    relative = os.path.relpath(folder, REPOSITORY)
    return f"ratings={relative}/moles.csv", f"outcomes={relative}/biopsies.csv"


@pytest.fixture(scope="module")
def first(workspace, tables, preset):
    done = run_crowd_disagreement(workspace, "--set", *tables, preset)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_it_prints_auc_answer_and_the_path_of_the_report(workspace, first):
    lines = first.stdout.strip().splitlines()
    (head,) = [index for index, line in enumerate(lines) if line.startswith("AUC (95 % interval)")]
    assert [line.split("  ")[0] for line in lines[head + 1 : head + 5]] == [
        "All ratings",
        "Mean alone (consensus)",
        "Disagreement alone (no mean)",
        "All moments",
    ]
    assert lines[head + 2].endswith("1.000 (1.000 to 1.000)")
    assert lines[head + 5] == "16 cases, 8 of them with sick 1; 0 left out"
    assert lines[head + 7].startswith("Cannot tell whether disagreement alone tells “sick”.")
    assert lines[-1] == f"report: {find_results(workspace)}/report.html"
    assert REUSED not in first.stdout


@pytest.mark.usefixtures("first")
def test_evaluation_and_report_know_the_table_by_its_own_name(workspace, tables, preset):
    evaluation, origin = read_results(workspace), read_origin(find_results(workspace) / "crowd_evaluation")
    assert (evaluation.table.name, evaluation.table.annotators) == ("moles", ("1", "2", "3"))
    assert evaluation.settings.model_dump().items() >= QUICK.items()
    assert (origin.study, origin.revision, f"preset={origin.preset_name}") == ("moles", "unversioned", preset)
    assert origin.source_digests == {
        name: compute_file_digest(REPOSITORY / path) for name, path in (table.split("=") for table in tables)
    }
    page = (find_results(workspace) / "report.html").read_text(encoding="utf-8")
    assert "Is the disagreement of annotators informative?" in page
    assert origin.study_digest in page
    assert "not tracked" not in page


@pytest.mark.usefixtures("first")
def test_mlflow_has_one_finished_run_with_figures_tables_and_report(workspace, preset):
    client, (run,) = find_runs(workspace, "moles")
    origin = read_origin(find_results(workspace) / "crowd_evaluation")
    assert (run.info.status, run.data.tags["mlflow.runName"]) == ("FINISHED", "crowd-disagreement")
    assert run.data.tags["study_digest"] == origin.study_digest
    assert f"preset={run.data.params['preset']}" == preset
    assert run.inputs.dataset_inputs[0].dataset.name == "moles"
    assert run.data.metrics["auc_consensus"] == 1.0
    artifacts = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert artifacts == {"evaluation.json", "cases.csv", "fold_auc.csv", "permuted_auc.csv", "report.html"}


def test_a_second_run_reuses_the_analysis_and_opens_no_new_run(workspace, tables, preset, first):
    page = (find_results(workspace) / "report.html").read_bytes()
    again = run_crowd_disagreement(workspace, "--set", *tables, preset)
    assert again.returncode == 0, again.stdout + again.stderr
    assert again.stdout.count(REUSED) == 1
    assert (find_results(workspace) / "report.html").read_bytes() == page
    assert len(find_runs(workspace, "moles")[1]) == 1
    assert again.stdout.strip().splitlines()[-10:] == first.stdout.strip().splitlines()[-10:]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("studies") / "squares"
    write_squares(root, case_count=8)
    cases = [Case(f"case{i:02d}", f"subject{i:02d}", {"relapse": "yes" if i % 2 else "no"}) for i in range(8)]
    write_cases(root / "cases.csv", cases)
    commit_study(root, "Add the study")
    return root


@pytest.mark.slow
@pytest.mark.usefixtures("first")
def test_a_study_is_analysed_at_its_revision(workspace, study, preset):
    done = run_crowd_disagreement(workspace, "--study", str(study), "--set", "outcome=relapse", preset)
    assert done.returncode == 0, done.stdout + done.stderr
    evaluation, origin = read_results(workspace), read_origin(find_results(workspace) / "crowd_evaluation")
    assert (evaluation.table.kind, evaluation.table.annotators) == ("sources", ("ann", "ben"))
    assert evaluation.case_count == 8
    commit = commit_study(study, "No change")
    (run,) = find_runs(workspace, "blocks-2d")[1]
    assert (origin.revision, run.data.tags["dvc_rev"]) == (commit, commit)
