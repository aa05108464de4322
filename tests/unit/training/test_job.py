"""One training from a study on disk to a saved network."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from overread.errors import InputError
from overread.networks.build import load_network
from overread.study.study import Study
from overread.training.history import read_history
from overread.training.job import run_training_job
from overread.training.loop import Session
from overread.training.result import TrainingJob, TrainingResult
from tests.studies import make_preset, write_cubes, write_squares

JOB = TrainingJob(
    source="ann",
    network="unet",
    fold=0,
    repeat=0,
    seed=7,
    train_cases=("case00", "case01", "case02"),
    validation_cases=("case03",),
    test_cases=("case04",),
)


def run(study: Study, folder: Path, job: TrainingJob = JOB) -> TrainingResult:
    dimensions = study.settings.dimensions
    return run_training_job(
        study,
        job,
        make_preset(dimensions, epochs=2),
        folder=folder,
        session=Session(torch.device("cpu"), folder.with_suffix(".pt"), "f", lambda _: None),
    )


@pytest.mark.parametrize("write", [write_squares, write_cubes])
def test_a_job_leaves_a_network_its_history_and_its_result(tmp_path: Path, write: type) -> None:
    study = write(tmp_path / "study")
    result = run(study, tmp_path / "network")

    assert TrainingResult.read(tmp_path / "network") == result
    assert (result.job, result.fingerprint, result.epochs, result.device) == (JOB, "f", 2, "cpu")
    assert 0 <= result.kept_validation_dice <= 1
    network, saved = load_network(tmp_path / "network", torch.device("cpu"))
    assert saved.channels == study.settings.channels
    assert saved.patch_size == (16,) * study.settings.dimensions
    assert result.parameter_count == sum(parameter.numel() for parameter in network.parameters())
    history = read_history(tmp_path / "network" / "history.csv")
    assert [report.epoch for report in history] == [1, 2]
    assert max(report.validation_dice or 0 for report in history) == result.kept_validation_dice
    # 6 steps of 4 patches in each of 2 epochs
    voxels = 16**study.settings.dimensions * 4 * 6 * 2
    assert result.voxels_per_second * result.duration_seconds == pytest.approx(voxels)


def test_repeats_differ_and_the_same_repeat_is_the_same(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study")
    jobs = {"first": JOB, "again": JOB, "second": JOB.model_copy(update={"repeat": 1, "seed": 8})}
    for name, job in jobs.items():
        run(study, tmp_path / name, job)
    first, again, second = (load_file(tmp_path / name / "network.safetensors") for name in jobs)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], second[name]) for name in first)


def test_cases_that_the_source_has_not_labelled_are_left_out(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study")
    run(study, tmp_path / "with")
    study.labels("ann").path("case02").unlink()
    run(study, tmp_path / "without")
    run(study, tmp_path / "named", JOB.model_copy(update={"train_cases": ("case00", "case01")}))
    weights = {name: load_file(tmp_path / name / "network.safetensors") for name in ("with", "without", "named")}
    assert all(torch.equal(weights["without"][name], weights["named"][name]) for name in weights["named"])
    assert not all(torch.equal(weights["without"][name], weights["with"][name]) for name in weights["with"])


def test_a_job_without_labelled_validation_cases_is_refused(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study")
    study.labels("ann").path("case03").unlink()
    with pytest.raises(InputError, match=r"training and validation cases, got 3 and 0; source 'ann'\."):
        run(study, tmp_path / "network")
