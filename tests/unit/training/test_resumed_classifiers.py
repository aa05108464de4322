"""Source classifiers and acquisition probes that are interrupted, and their figures with the seeds that they have."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from overread.errors import TrainingError
from overread.questions.acquisition_bias.probe_folds import LabelledCase, ProbeFold
from overread.questions.acquisition_bias.probe_loop import ProbeEpoch, ProbeLesson, TrainedProbe, train_probe
from overread.questions.rater_bias.classifier_masks import DrawnMask
from overread.questions.rater_bias.classifier_training import ClassifierEpoch, SourceClassifier, train_classifier
from overread.study.working_cases import WorkingCase
from overread.training.history import Epoch
from overread.training.loop import Session
from overread.training.settings import ClassifierSettings
from tests.unit.vendor_studies import make_probe_preset

CPU = torch.device("cpu")
SETTINGS = ClassifierSettings(
    patch_size=(8, 8),
    features=(4, 8),
    epochs=4,
    steps_per_epoch=4,
    batch_size=8,
    learning_rate=0.01,
    centre_jitter=1,
    patches_per_case=6,
    precision="fp32",
)


class InterruptionError(Exception):
    """Stands for whatever ends a process between two epochs."""


def interrupt_after(count: int) -> Callable[[Sequence[Epoch]], None]:
    def interrupt(reports: Sequence[Epoch]) -> None:
        if len(reports) == count:
            raise InterruptionError

    return interrupt


def draw_masks(count: int, seed: int) -> list[DrawnMask]:
    """Source 0 draws squares, source 1 every other voxel of them."""
    generator, masks = np.random.default_rng(seed), []
    for index in range(count):
        row, column = generator.integers(6, 10, 2)
        square = np.zeros((24, 24), np.bool_)
        square[row : row + 8, column : column + 8] = True
        chequered = square & (np.indices((24, 24)).sum(axis=0) % 2 == 0)
        image = generator.normal(0, 0.1, (1, 24, 24)).astype(np.float32)
        case_id = f"case{seed}-{index}"
        for source, mask in enumerate((square, chequered)):
            masks.append(DrawnMask(WorkingCase(case_id, image, mask), source, source, f"rater{source}"))
    return masks


def make_lesson() -> ProbeLesson:
    """Slices of noise, those of the class light a little lighter."""
    parts = (
        tuple(LabelledCase(f"{part}{i}", f"{part}{i}", "dark" if i % 2 else "light") for i in range(count))
        for part, count in (("train", 12), ("val", 6), ("test", 6))
    )
    fold, generator = ProbeFold(*parts), np.random.default_rng(0)
    stacks = {
        case.case_id: generator.normal(0.3 * (case.label == "light"), 0.2, (3, 24, 24)).clip(-1, 1).astype(np.float16)
        for case in (*fold.train, *fold.validation, *fold.test)
    }
    return ProbeLesson(fold, ("dark", "light"), stacks)


def run_classifier(
    checkpoint: Path, *, precision: str = "fp32", stop_after: int = 0, fingerprint: str = "f"
) -> tuple[SourceClassifier, tuple[ClassifierEpoch, ...]]:
    settings = SETTINGS.model_copy(update={"precision": precision})
    session: Session[ClassifierEpoch] = Session(CPU, checkpoint, fingerprint, interrupt_after(stop_after))
    return train_classifier(draw_masks(4, 0), draw_masks(2, 1), source_count=2, settings=settings, session=session)


def run_probe(
    checkpoint: Path, *, precision: str = "fp32", stop_after: int = 0, fingerprint: str = "f"
) -> TrainedProbe:
    preset = make_probe_preset(epochs=4)
    training = preset.training.model_copy(update={"precision": precision, "weight_decay": 0.01})
    network = preset.network.model_copy(update={"dropout": 0.3})
    preset = preset.model_copy(update={"training": training, "network": network})
    session: Session[ProbeEpoch] = Session(CPU, checkpoint, fingerprint, interrupt_after(stop_after))
    return train_probe(make_lesson(), preset, seed=5, session=session)


def are_equal(first: nn.Module, second: nn.Module) -> bool:
    """Whether two networks have the same weights bit for bit."""
    weights, others = first.state_dict(), second.state_dict()
    return weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_an_interrupted_classifier_ends_with_exactly_the_weights_of_one_that_was_not(
    tmp_path: Path, precision: str, stop_after: int
) -> None:
    whole, expected = run_classifier(tmp_path / "whole.pt", precision=precision)
    with pytest.raises(InterruptionError):
        run_classifier(tmp_path / "c.pt", precision=precision, stop_after=stop_after)
    resumed, reports = run_classifier(tmp_path / "c.pt", precision=precision)
    assert are_equal(resumed, whole)
    assert [report.model_copy(update={"seconds": 0}) for report in reports] == [
        report.model_copy(update={"seconds": 0}) for report in expected
    ]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_an_interrupted_probe_ends_with_exactly_the_weights_of_one_that_was_not(
    tmp_path: Path, precision: str, stop_after: int
) -> None:
    whole = run_probe(tmp_path / "whole.pt", precision=precision)
    with pytest.raises(InterruptionError):
        run_probe(tmp_path / "c.pt", precision=precision, stop_after=stop_after)
    resumed = run_probe(tmp_path / "c.pt", precision=precision)
    assert are_equal(resumed.network, whole.network)
    assert (resumed.kept_epoch, resumed.validation_loss) == (whole.kept_epoch, whole.validation_loss)


def test_a_classifier_learns_what_it_learnt_with_a_loop_of_its_own(tmp_path: Path) -> None:
    """Figures of the loop that classifiers had to themselves; equal bit for bit on the machine that gave them."""
    _, reports = run_classifier(tmp_path / "c.pt")
    losses = [0.6971149444580078, 0.6308231353759766, 0.6164664626121521, 0.5629242062568665]
    validation_losses = [0.7003869007740664, 0.6911764101473455, 0.678649494438901, 0.6709534982511126]
    assert [report.loss for report in reports] == pytest.approx(losses, rel=1e-3)
    assert [report.validation_loss for report in reports] == pytest.approx(validation_losses, rel=1e-3)


def test_a_probe_learns_what_it_learnt_with_a_loop_of_its_own(tmp_path: Path) -> None:
    """Figures of the loop that probes had to themselves; equal bit for bit on the machine that gave them."""
    trained = run_probe(tmp_path / "c.pt")
    assert trained.kept_epoch == 4
    assert trained.validation_loss == pytest.approx(0.42929530143737793, rel=1e-3)
    size = sum(float(weight.double().abs().sum()) for weight in trained.network.state_dict().values())
    assert size == pytest.approx(116.07422029881855, rel=1e-3)


@pytest.mark.parametrize("run", [run_classifier, run_probe])
def test_the_checkpoint_of_another_training_is_refused(tmp_path: Path, run: Callable[..., object]) -> None:
    run(tmp_path / "c.pt")
    with pytest.raises(TrainingError, match="must belong to the training that resumes it"):
        run(tmp_path / "c.pt", fingerprint="another")
