"""Held-out predictions: every case by the networks that did not see it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from overread.errors import InputError
from overread.questions.rater_bias.steps.predictions import open_predictions
from overread.runs import predict_cases
from overread.runs.plan import TrainingPlan, name_best_threshold
from overread.runs.plan_trainings import PlanSettings, plan_trainings
from overread.runs.threshold_record import read_best_thresholds
from overread.study.digest import compute_folder_digest
from overread.study.label_set import LabelSet
from overread.study.schema import Provenance
from overread.study.study import Study
from overread.training.result import TrainingJob
from tests.constant_networks import save_constant_network
from tests.studies import make_preset, write_cubes, write_squares
from tests.training_results import make_training_result


def make_plan(study: Study, *, repeats: int = 1, tries_thresholds: bool = False) -> TrainingPlan:
    preset = study.root.parent / "tiny.yaml"
    make_preset(study.settings.dimensions).write_yaml(preset)
    settings = PlanSettings(pipeline="rater-bias", preset=str(preset), folds=3, repeats=repeats)
    plan = plan_trainings(study, settings, revision="").model_copy(update={"tries_thresholds": tries_thresholds})
    plan.write(study.root.parent / "plan.json")
    return plan


def save_known_network(folder: Path, study: Study, job: TrainingJob, logit: float) -> None:
    """Leave what a training leaves: a network that says `logit` everywhere, and its result."""
    save_constant_network(folder, study, logit)
    make_training_result(job, fingerprint=f"{job.name}-{logit}").write(folder)


def save_networks(study: Study, plan: TrainingPlan, folder: Path, logits: dict[str, float]) -> list[Path]:
    """Save a network per job; `logits` says the logit of those whose names begin with its keys."""
    for job in plan.jobs:
        logit = next(value for prefix, value in logits.items() if job.name.removeprefix("unet-").startswith(prefix))
        save_known_network(folder / job.name, study, job, logit)
    return predict_cases.list_networks([folder])


def predict(study: Study, networks: list[Path], output: Path, *, processes: int = 1) -> dict[tuple[str, str], float]:
    """Share of foreground per source and case."""
    predict_cases.run(
        study.root,
        study.root.parent / "plan.json",
        networks,
        output=output,
        store=str(study.root.parent / "store"),
        processes=processes,
    )
    plan = TrainingPlan.read(study.root.parent / "plan.json")
    sets = open_predictions(output, study, plan.sources)
    found = {}
    for source, labels in sets.items():
        for case_id in labels.select_labelled(study.case_ids):
            mask = labels.read(case_id)
            assert mask.shape == (24,) * study.settings.dimensions
            found[source, case_id] = float(np.mean(mask))
    return found


@pytest.mark.parametrize("write", [write_squares, write_cubes])
def test_each_case_is_predicted_by_the_networks_that_held_it_out(tmp_path: Path, write: type) -> None:
    study = write(tmp_path / "study")
    plan = make_plan(study)
    networks = save_networks(study, plan, tmp_path / "networks", {"ann-fold1": 3.0, "": -3.0})
    held_out = next(job for job in plan.jobs if job.name.startswith("unet-ann-fold1")).test_cases
    found = predict(study, networks, tmp_path / "masks")
    expected = {(source, case_id): 0.0 for source in ("ann", "ben") for case_id in study.case_ids}
    assert found == expected | {("ann", case_id): 1.0 for case_id in held_out}


def test_the_mean_probability_of_the_repeats_is_thresholded(tmp_path: Path) -> None:
    """Probabilities of 0.95 and 0.18 average above one half, of 0.95 and 0.02 below."""
    study = write_squares(tmp_path / "study")
    plan = make_plan(study, repeats=2)
    logits = {f"{source}-fold{fold}-repeat0": 3.0 for source in ("ann", "ben") for fold in range(3)}
    networks = save_networks(study, plan, tmp_path / "networks", logits | {"ann": -1.5, "ben": -4.0})
    found = predict(study, networks, tmp_path / "masks")
    assert found == {(source, case_id): float(source == "ann") for source, case_id in found}
    assert len(found) == 12


def test_each_repeat_predicts_for_itself_too(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study")
    plan = make_plan(study, repeats=2)
    logits = {f"ann-fold{fold}-repeat0": 3.0 for fold in range(3)}
    predict(study, save_networks(study, plan, tmp_path / "networks", logits | {"": -4.0}), tmp_path / "masks")
    foreground = {}
    for job in plan.jobs:
        labels = LabelSet("", tmp_path / "masks" / plan.name_scored(job), study.suffix)
        for case_id in job.test_cases:
            foreground[job.source, job.repeat, case_id] = bool(labels.read(case_id).all())
    assert {key for key, is_marked in foreground.items() if is_marked} == {
        ("ann", 0, case_id) for case_id in study.case_ids
    }
    assert len(foreground) == 24


def test_a_network_predicts_a_case_once_however_many_masks_it_has_a_part_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from overread.inference import ensemble

    study, loaded = write_squares(tmp_path / "study"), []
    load = ensemble.load_matching_network

    def count(folder: Path, *others: Any) -> Any:
        loaded.append(folder)
        return load(folder, *others)

    monkeypatch.setattr(ensemble, "load_matching_network", count)
    plan = make_plan(study, repeats=2)
    predict(study, save_networks(study, plan, tmp_path / "networks", {"": 3.0}), tmp_path / "masks")
    assert len(loaded) == 2 * 2 * len(study.case_ids)


def test_finished_predictions_are_reused_until_a_network_changes(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study")
    plan = make_plan(study)
    networks = save_networks(study, plan, tmp_path / "networks", {"": 3.0})
    first = predict(study, networks, tmp_path / "first")
    for folder in networks:
        (folder / "network.safetensors").unlink()
    assert predict(study, networks, tmp_path / "second") == first

    networks = save_networks(study, plan, tmp_path / "networks", {"ann": -3.0, "ben": 3.0})
    changed = predict(study, networks, tmp_path / "third")
    assert {source for source, case_id in changed if changed[source, case_id] != first[source, case_id]} == {"ann"}


def test_predictions_that_broke_off_half_way_are_made_anew(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study")
    plan = make_plan(study)
    networks = save_networks(study, plan, tmp_path / "networks", {"": 3.0})
    (tmp_path / "masks" / "network-ann").mkdir(parents=True)
    (tmp_path / "masks" / "network-ann" / "case00.png").write_bytes(b"half a f")
    assert predict(study, networks, tmp_path / "masks")["ann", "case00"] == 1.0


def test_two_processes_predict_as_one(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study", case_count=4)
    plan = make_plan(study)
    networks = save_networks(study, plan, tmp_path / "networks", {"": 3.0})
    assert predict(study, networks, tmp_path / "masks", processes=2) == dict.fromkeys(
        ((source, case_id) for source in ("ann", "ben") for case_id in study.case_ids), 1.0
    )


def test_the_provenance_names_the_networks_and_the_fold_of_each_case(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study")
    plan = make_plan(study)
    predict(study, save_networks(study, plan, tmp_path / "networks", {"": 3.0}), tmp_path / "masks")
    provenance = Provenance.read_yaml(tmp_path / "masks" / "network-ben.provenance.yaml")
    names = [job.name for job in plan.jobs if job.source == "ben"]
    assert provenance.parents == {"ben": plan.source_digests["ben"]} | {name: f"{name}-3.0" for name in names}
    folds = {case_id: job.fold for job in plan.jobs for case_id in job.test_cases}
    assert {case_id: values["fold"] for case_id, values in provenance.cases.items()} == folds


@pytest.mark.parametrize("repeats", [1, 2])
def test_each_repeat_predicts_with_the_threshold_that_is_best_on_its_validation_cases(
    tmp_path: Path, repeats: int
) -> None:
    """A probability of 0.182 everywhere: all is marked up to 0.18, nothing from 0.19 on."""
    study = write_squares(tmp_path / "study")
    plan = make_plan(study, repeats=repeats, tries_thresholds=True)
    networks = save_networks(study, plan, tmp_path / "networks", {"ann-fold1": 3.0, "": -1.5})
    found = predict(study, networks, tmp_path / "masks")
    held_out = next(job for job in plan.jobs if job.name.startswith("unet-ann-fold1")).test_cases
    assert {key for key, share in found.items() if share} == {("ann", case_id) for case_id in held_out}
    thresholds = read_best_thresholds(tmp_path / "masks")
    assert thresholds == {job.name: 0.5 if job.name.startswith("unet-ann-fold1") else 0.18 for job in plan.jobs}
    for job in plan.jobs:
        name = name_best_threshold(plan.name_scored(job))
        labels = LabelSet("", tmp_path / "masks" / name, study.suffix)
        provenance = Provenance.read_yaml(tmp_path / "masks" / f"{name}.provenance.yaml")
        for case_id in job.test_cases:
            assert labels.read(case_id).all()
            assert provenance.cases[case_id] == {"fold": job.fold, "threshold": thresholds[job.name]}


def test_finished_thresholds_are_reused(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study")
    networks = save_networks(study, make_plan(study, tries_thresholds=True), tmp_path / "networks", {"": -1.5})
    predict(study, networks, tmp_path / "first")
    for folder in networks:
        (folder / "network.safetensors").unlink()
    predict(study, networks, tmp_path / "second", processes=2)
    assert compute_folder_digest(tmp_path / "second") == compute_folder_digest(tmp_path / "first")


def test_a_missing_network_is_named(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study")
    plan = make_plan(study)
    networks = save_networks(study, plan, tmp_path / "networks", {"": 3.0})
    with pytest.raises(InputError, match=r"must have a trained network, got none of unet-ben-fold2-repeat0\."):
        predict(study, [folder for folder in networks if folder.name != "unet-ben-fold2-repeat0"], tmp_path / "masks")
