"""A training of `label-noise` that fails: tried again, then missing, and the others go on."""

import shutil
from pathlib import Path

import pytest

from overread.questions.label_noise.results import LabelNoiseEvaluation
from overread.questions.label_noise.steps import evaluate_noise
from overread.questions.label_noise.steps.plan_noise_trainings import NoisePlanSettings, plan_noise_trainings
from overread.runs import perturb_labels, predict_cases, train_networks
from overread.runs.label_variants import LabelVariants, describe_control, describe_fixed, parse_variants
from overread.runs.plan import TrainingPlan
from overread.study.digest import compute_source_digest
from overread.study.schema import Provenance
from overread.study.study import Study
from tests.studies import make_preset, write_squares

VARIANT = "choppy-0.90"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six squares, a perturbed copy of their labels, a plan of two folds; one training of the copy cannot read it."""
    folder = tmp_path_factory.mktemp("failed")
    make_preset(2, epochs=1).write_yaml(folder / "tiny.yaml")
    root = write_squares(folder / "study").root
    (variant,) = parse_variants([VARIANT])
    perturb_labels.run(root, variant, source="ann")
    study = Study.open(root)
    digests = [compute_source_digest(study, source) for source in ("ann", f"ann-{VARIANT}")]
    provenance = Provenance.read_yaml(study.provenance_path(f"ann-{VARIANT}"))
    described = (describe_control(digests[0]), describe_fixed(variant, provenance, digests[1]))
    variants = LabelVariants(source="ann", redraw="never", variants=described)
    variants.write(folder / "variants.json")
    settings = NoisePlanSettings(networks=("unet",), preset=str(folder / "tiny.yaml"), folds=2, repeats=1)
    plan = plan_noise_trainings(study, variants, settings, revision="abc")
    plan.write(folder / "plan.json")
    damaged = next(job for job in plan.jobs if job.source != "ann" and job.fold == 0)
    mask = study.labels(damaged.source).path(damaged.train_cases[0])
    mask.write_bytes(mask.read_bytes()[:40])
    return folder


@pytest.fixture(scope="module")
def evaluation(folder: Path, empty_mlflow: Path) -> LabelNoiseEvaluation:
    store, plan_file = str(folder / "store"), folder / "plan.json"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        shutil.copy(empty_mlflow, folder)
        names = [job.name for job in TrainingPlan.read(plan_file).jobs]
        train_networks.run(folder / "study", plan_file, names, output=folder / "networks", store=store, processes=2)
    networks = predict_cases.list_networks([folder / "networks"])
    masks = folder / "masks"
    predict_cases.run(folder / "study", plan_file, networks, output=masks, store=store, processes=1)
    failures = predict_cases.list_failures([folder / "networks"])
    return evaluate_noise.run(
        folder / "study",
        plan_file,
        folder / "variants.json",
        masks,
        failures,
        output=folder / "evaluation",
        store=store,
    )


def test_it_is_missing_in_the_table_with_its_reason(evaluation):
    (missing,) = evaluation.missing
    assert (missing.network, missing.variant, missing.fold) == ("unet", VARIANT, 0)
    assert "InputError" in missing.reason
    cell = evaluation.find_cell("unet", VARIANT)
    assert (cell.training_count, cell.missing_count, cell.case_count) == (1, 1, 3)


def test_the_other_trainings_are_whole(evaluation):
    cell = evaluation.find_cell("unet", "control")
    assert (cell.training_count, cell.missing_count, cell.case_count) == (2, 0, 6)


@pytest.mark.usefixtures("evaluation")
def test_its_run_in_mlflow_failed_and_the_others_finished(folder):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("blocks-2d")
    runs = client.search_runs([experiment.experiment_id])
    status_of = {run.data.tags["mlflow.runName"]: run.info.status for run in runs}
    assert sorted(status_of.values()) == ["FAILED", "FINISHED", "FINISHED", "FINISHED"]
    assert status_of[f"unet-ann-{VARIANT}-fold0-repeat0"] == "FAILED"
