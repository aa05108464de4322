"""A GPU trains and predicts as the CPU does, within the rounding of fp32."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from overread.inference.settings import InferenceSettings
from overread.inference.sliding_window import predict_probability
from overread.networks.build import build_network
from overread.networks.hardware import place_network, select_device
from overread.networks.settings import Architecture, NetworkSettings, count_network_dimensions
from overread.study.working_cases import WorkingCase
from overread.training.checkpoint import TrainingState
from overread.training.epoch_choice import BestValidation
from overread.training.history import EpochReport
from overread.training.loop import Session
from overread.training.losses import build_batch_loss
from overread.training.segmentation import Lesson, train_segmentation
from overread.training.settings import LossName, SamplingSettings, TrainingSettings

pytestmark = pytest.mark.gpu

CPU = torch.device("cpu")
SHAPES = {2: (24, 20), 3: (20, 24, 16)}
PATCHES = [(8, 8), (8, 8, 8), (8, 8, 1)]
ARCHITECTURES: tuple[Architecture, ...] = ("unet", "segnet", "fcn32")


@pytest.fixture(autouse=True)
def _full_fp32() -> Iterator[None]:
    """TF32 rounds to 10 bits."""
    allowed = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = allowed


def make_case(patch_size: tuple[int, ...]) -> WorkingCase:
    shape = SHAPES[len(patch_size)]
    mask = np.zeros(shape, np.bool_)
    mask[tuple(slice(4, 13) for _ in shape)] = True
    image = np.random.default_rng(0).normal(0, 0.3, (2, *shape)) + mask
    return WorkingCase("c", image.astype(np.float32), mask)


def build(architecture: Architecture, patch_size: tuple[int, ...]) -> nn.Module:
    torch.manual_seed(0)
    settings = NetworkSettings(architecture=architecture, channels=(4, 8))
    return build_network(settings, dimensions=count_network_dimensions(patch_size), channel_count=2)


def train_on(
    device: torch.device,
    architecture: Architecture,
    patch_size: tuple[int, ...],
    checkpoint: Path,
    *,
    loss: LossName = "cross_entropy",
    stop_after: int = 3,
) -> tuple[nn.Module, TrainingState[EpochReport] | None]:
    """Three epochs of two steps; with a smaller `stop_after` it is interrupted."""
    sampling = SamplingSettings(patch_size=patch_size, flip_axes=(0,), rotation_degrees=20.0, keep_inside=True)
    settings = TrainingSettings(
        epochs=3, steps_per_epoch=2, batch_size=4, learning_rate=0.01, loss=loss, precision="fp32", sampling=sampling
    )
    network = build(architecture, patch_size)

    def interrupt(reports: Sequence[EpochReport]) -> None:
        if len(reports) == stop_after < settings.epochs:
            raise KeyboardInterrupt

    try:
        cases = [make_case(patch_size)]
        batch_loss = build_batch_loss(settings, device, draw_first_cases=lambda: cases)
        state = train_segmentation(
            network,
            Lesson(lambda _: cases, cases, batch_loss, BestValidation(settings.patience)),
            settings=settings,
            inference=InferenceSettings(),
            seed=0,
            session=Session(device, checkpoint, "f", interrupt),
        )
    except KeyboardInterrupt:
        return network, None
    return network, state


def predict_on(device: torch.device, architecture: Architecture, patch_size: tuple[int, ...]) -> np.ndarray:
    network = build(architecture, patch_size)
    return predict_probability(
        place_network(network, device, dimensions=count_network_dimensions(patch_size)),
        make_case(patch_size).image,
        patch_size=patch_size,
        settings=InferenceSettings(),
        precision="fp32",
        device=device,
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("patch_size", PATCHES)
def test_a_network_predicts_the_same(architecture: Architecture, patch_size: tuple[int, ...]) -> None:
    on_cpu = predict_on(CPU, architecture, patch_size)
    on_gpu = predict_on(select_device("cuda"), architecture, patch_size)
    np.testing.assert_allclose(on_gpu, on_cpu, atol=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("patch_size", PATCHES)
def test_a_training_has_the_same_losses(
    architecture: Architecture, patch_size: tuple[int, ...], tmp_path: Path
) -> None:
    losses = []
    for name in ("cpu", "cuda"):
        _, state = train_on(torch.device(name), architecture, patch_size, tmp_path / f"{name}.pt")
        assert state is not None
        losses.append([report.loss for report in state.reports])
    assert losses[1] == pytest.approx(losses[0], rel=0.01)
    assert losses[0][-1] < losses[0][0]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("patch_size", PATCHES)
def test_a_training_with_balanced_classes_is_the_same_again(
    architecture: Architecture, patch_size: tuple[int, ...], tmp_path: Path
) -> None:
    device, losses = select_device("cuda"), []
    for name in ("first", "again"):
        _, state = train_on(device, architecture, patch_size, tmp_path / name, loss="balanced_cross_entropy")
        assert state is not None
        losses.append([report.loss for report in state.reports])
    assert losses[0] == losses[1]


@pytest.mark.parametrize(("begins", "goes_on"), [("cuda", "cuda"), ("cuda", "cpu"), ("cpu", "cuda")])
def test_a_training_goes_on_from_the_checkpoint_of_either(begins: str, goes_on: str, tmp_path: Path) -> None:
    patch_size = PATCHES[0]
    _, whole = train_on(CPU, "unet", patch_size, tmp_path / "whole.pt")
    train_on(torch.device(begins), "unet", patch_size, tmp_path / "c.pt", stop_after=1)
    _, state = train_on(torch.device(goes_on), "unet", patch_size, tmp_path / "c.pt")
    assert state is not None
    assert whole is not None
    losses = [[report.loss for report in found.reports] for found in (state, whole)]
    assert losses[0] == pytest.approx(losses[1], rel=0.01)


def test_auto_takes_the_gpu() -> None:
    assert select_device("auto").type == "cuda"
