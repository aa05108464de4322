"""Gradients in bf16 of 3D convolutions on shapes that PyTorch computes wrongly in bf16 on a CPU."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from overread.inference.settings import InferenceSettings
from overread.networks.build import build_network
from overread.networks.hardware import Precision, autocast, place_network, select_memory_format
from overread.networks.settings import NetworkSettings
from overread.study.working_cases import WorkingCase
from overread.training.epoch_choice import LastEpoch
from overread.training.loop import Session
from overread.training.losses import build_batch_loss
from overread.training.segmentation import Lesson, train_segmentation
from overread.training.settings import SamplingSettings, TrainingSettings

CPU = torch.device("cpu")
FIVE_LEVELS = NetworkSettings(channels=(8, 16, 32, 64, 128))
"""On patches of 32³ its coarsest features are 2 × 2 × 2 voxels."""


def build(settings: NetworkSettings = FIVE_LEVELS) -> nn.Module:
    torch.manual_seed(0)
    return build_network(settings, dimensions=3, channel_count=1)


def compute_gradients(network: nn.Module, features: torch.Tensor, precision: Precision) -> dict[str, torch.Tensor]:
    """Gradients of the parameters, for a loss that depends on every output."""
    network.zero_grad()
    with autocast(CPU, precision):
        output = network(features)
    torch.autograd.backward(output.float().square().mean())
    return {name: weight.grad.clone() for name, weight in network.named_parameters() if weight.grad is not None}


def measure_difference(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> float:
    """Length of the difference of two gradients, as a share of that of the expected one."""
    one, other = (torch.cat([gradient.flatten() for gradient in each.values()]) for each in (found, expected))
    return float((one - other).norm() / other.norm())


def fill_free_memory() -> None:
    """Leave NaN in memory that is free, so that what is read before it is written does not happen to be 0."""
    blocks = [torch.full((size,), torch.nan) for size in (10_000, 100_000, 1_000_000, 10_000_000)]
    del blocks


def draw_features(*shape: int) -> torch.Tensor:
    features = torch.randn(*shape, generator=torch.Generator().manual_seed(1))
    return features.contiguous(memory_format=select_memory_format(3))


def test_five_levels_on_patches_of_32_have_the_gradients_of_float32() -> None:
    """Rounding costs a sixth of a gradient at most; a wrong gradient of the coarsest level is off by its own length."""
    network = place_network(build(), CPU, dimensions=3)
    features = draw_features(2, 1, 32, 32, 32)
    expected = compute_gradients(network, features, "fp32")
    fill_free_memory()
    found = compute_gradients(network, features, "bf16")
    kernels = [name for name, weight in network.named_parameters() if weight.ndim == 5]
    assert len(kernels) == 18
    for name in kernels:
        assert measure_difference({name: found[name]}, {name: expected[name]}) < 0.3, name


def test_five_levels_on_patches_of_32_train_in_bf16(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    mask = np.zeros((36, 36, 36), np.bool_)
    mask[8:24, 10:26, 6:20] = True
    cases = [WorkingCase("c", (generator.normal(0, 0.3, (1, 36, 36, 36)) + mask).astype(np.float32), mask)]
    settings = TrainingSettings(
        epochs=3,
        steps_per_epoch=3,
        batch_size=2,
        learning_rate=0.01,
        precision="bf16",
        sampling=SamplingSettings(patch_size=(32, 32, 32)),
    )
    fill_free_memory()
    state = train_segmentation(
        build(),
        Lesson(lambda _: cases, cases, build_batch_loss(settings, CPU, draw_first_cases=lambda: cases), LastEpoch()),
        settings=settings,
        inference=InferenceSettings(),
        seed=0,
        session=Session(CPU, tmp_path / "c.pt", "f", lambda _: None),
    )
    assert state.reports[-1].loss < state.reports[0].loss


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv3d(16, 32, 3, padding=1), (2, 2, 2)),
        (nn.Conv3d(16, 32, 3, padding=1), (2, 8, 8)),
        (nn.Conv3d(16, 32, 3, padding=1, stride=2), (4, 1, 3)),
        (nn.Conv3d(16, 32, 3, padding=1, stride=2), (1, 2, 1)),
        (nn.ConvTranspose3d(16, 32, 3, padding=1), (2, 4, 4)),
    ],
)
def test_every_shape_that_bf16_gets_wrong_has_the_gradient_of_float32(
    layer: nn.Module, shape: tuple[int, int, int]
) -> None:
    placed = place_network(layer, CPU, dimensions=3)
    features = draw_features(2, 16, *shape)
    expected = compute_gradients(placed, features, "fp32")
    fill_free_memory()
    assert measure_difference(compute_gradients(placed, features, "bf16"), expected) < 0.02


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv3d(8, 8, 3, padding=1), (4, 2, 2)),
        (nn.Conv3d(8, 8, 3, padding=1), (1, 4, 4)),
        (nn.Conv3d(8, 8, 1), (2, 2, 2)),
        (nn.Conv3d(8, 8, 3, padding=1, stride=2), (2, 2, 2)),
        (nn.Conv3d(8, 8, 3, padding=1, stride=2), (2, 1, 3)),
        (nn.ConvTranspose3d(8, 8, 3, padding=1, stride=2), (2, 2, 2)),
    ],
)
def test_other_shapes_are_computed_in_bf16_bit_for_bit_as_without_the_guard(
    layer: nn.Module, shape: tuple[int, int, int]
) -> None:
    features = draw_features(2, 8, *shape)
    layer.to(memory_format=select_memory_format(3))  # type: ignore[call-overload]
    plain = compute_gradients(layer, features, "bf16")
    guarded = compute_gradients(place_network(layer, CPU, dimensions=3), features, "bf16")
    assert all(torch.equal(guarded[name], plain[name]) for name in plain)


def test_without_gradients_every_shape_is_computed_in_bf16() -> None:
    placed = place_network(nn.Conv3d(4, 4, 3, padding=1), CPU, dimensions=3)
    with torch.inference_mode(), autocast(CPU, "bf16"):
        assert placed(draw_features(1, 4, 2, 2, 2)).dtype == torch.bfloat16
