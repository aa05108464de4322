"""Labels that are perturbed anew in every epoch."""

from pathlib import Path

import numpy as np
import pytest

from overread.evaluation.overlap import compute_dice
from overread.labels.settings import PerturbationSettings
from overread.study.study import Study
from overread.study.working_cases import WorkingCase, read_working_cases
from overread.training.context import draw_training_cases
from overread.training.result import RedrawnLabels, TrainingJob
from tests.studies import write_squares


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return write_squares(tmp_path / "study", case_count=3)


def make_job(*, seed: int = 0, strength: float | None = None) -> TrainingJob:
    redrawn = None
    if strength is not None:
        perturbation = PerturbationSettings(mode="choppy", strength=strength)
        redrawn = RedrawnLabels(variant="choppy-0.80", perturbation=perturbation)
    return TrainingJob(
        source="ann",
        network="unet",
        fold=0,
        repeat=0,
        seed=seed,
        train_cases=("case00", "case01"),
        validation_cases=("case02",),
        test_cases=(),
        redrawn=redrawn,
    )


def read_cases(study: Study, working_spacing: tuple[float, ...] | None = None) -> tuple[WorkingCase, ...]:
    return read_working_cases(study, study.labels("ann"), ("case00", "case01"), working_spacing)


def draw_masks(study: Study, job: TrainingJob, epoch: int) -> list[np.ndarray]:
    return [case.mask for case in draw_training_cases(study, job, read_cases(study))(epoch)]


def test_fixed_labels_are_the_same_in_every_epoch(study):
    cases = read_cases(study)
    draw = draw_training_cases(study, make_job(), cases)
    assert draw(0) is cases
    assert draw(7) is cases


def test_each_epoch_has_its_own_errors_and_draws_them_again_alike(study):
    job = make_job(strength=2.0)
    first, second, again = draw_masks(study, job, 0), draw_masks(study, job, 1), draw_masks(study, job, 0)
    for case in range(2):
        assert np.array_equal(first[case], again[case])
        assert 0 < compute_dice(first[case], second[case]) < 1


def test_repeats_and_cases_have_errors_of_their_own(study):
    masks = draw_masks(study, make_job(strength=2.0), 0)
    other = draw_masks(study, make_job(strength=2.0, seed=1), 0)
    assert not np.array_equal(masks[0], other[0])
    clean = [case.mask for case in read_cases(study)]
    assert not np.array_equal(masks[0] ^ clean[0], masks[1] ^ clean[1])


def test_errors_are_made_on_the_stored_grid_and_brought_to_the_working_grid(study):
    cases = read_cases(study, (2.0, 2.0))
    (first, _) = draw_training_cases(study, make_job(strength=2.0), cases)(0)
    assert first.mask.shape == cases[0].mask.shape == (12, 12)
    assert first.image is cases[0].image
    assert not np.array_equal(first.mask, cases[0].mask)


def test_no_strength_leaves_the_labels_as_they_are(study):
    masks = draw_masks(study, make_job(strength=0.0), 3)
    assert all(np.array_equal(mask, case.mask) for mask, case in zip(masks, read_cases(study), strict=True))
