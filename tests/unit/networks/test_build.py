"""Networks by name."""

import pytest
import torch

from overread.networks.build import build_network, count_parameters
from overread.networks.hardware import place_network, select_memory_format
from overread.networks.settings import NetworkSettings

UNET = NetworkSettings(channels=(2, 4, 8), dropout=0.1)
BASIC = NetworkSettings(architecture="basic_unet", channels=(2, 2, 2, 2, 2))
SEGNET = NetworkSettings(architecture="segnet", channels=(2, 4, 8), dropout=0.1)
FCN32 = NetworkSettings(architecture="fcn32", channels=(2, 4, 8), dropout=0.1)
ALL = [UNET, BASIC, SEGNET, FCN32]
CPU = torch.device("cpu")


def build_seeded(settings: NetworkSettings, *, dimensions: int = 2, seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return build_network(settings, dimensions=dimensions, channel_count=1)


def flatten_gradients(network: torch.nn.Module, dimensions: int) -> torch.Tensor:
    """Gradients of one step as the loop takes it: channels last, in bf16, with dropout."""
    torch.manual_seed(1)
    image = torch.randn(2, 1, *(16,) * dimensions).contiguous(memory_format=select_memory_format(dimensions))
    placed = place_network(network, CPU, dimensions=dimensions)
    with torch.autocast("cpu", torch.bfloat16):
        logits = placed(image)
    logits.float().square().mean().backward()
    return torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])


@pytest.mark.parametrize(("settings", "side"), [(UNET, 12), (BASIC, 36), (SEGNET, 12), (FCN32, 12)])
@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("channel_count", [1, 4])
def test_a_network_yields_one_logit_per_voxel(
    settings: NetworkSettings, side: int, dimensions: int, channel_count: int
) -> None:
    network = build_network(settings, dimensions=dimensions, channel_count=channel_count).eval()
    placed = place_network(network, CPU, dimensions=dimensions)
    shape = (side, 2 * side, side)[:dimensions]
    with torch.inference_mode():
        assert placed(torch.zeros(2, channel_count, *shape)).shape == (2, 1, *shape)


@pytest.mark.parametrize("settings", ALL)
def test_a_network_normalises_over_the_batch(settings: NetworkSettings) -> None:
    kinds = {type(module) for module in build_network(settings, dimensions=3, channel_count=1).modules()}
    assert torch.nn.BatchNorm3d in kinds
    assert not kinds & {torch.nn.InstanceNorm3d, torch.nn.GroupNorm}


@pytest.mark.parametrize("settings", ALL)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_dropout_is_as_asked(settings: NetworkSettings, dropout: float) -> None:
    network = build_network(settings.model_copy(update={"dropout": dropout}), dimensions=2, channel_count=1)
    rates = {module.p for module in network.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates <= {dropout}
    assert dropout == 0 or rates


@pytest.mark.parametrize("settings", ALL)
def test_the_same_seed_builds_the_same_network(settings: NetworkSettings) -> None:
    first, again, other = (
        torch.cat([p.flatten() for p in build_seeded(settings, seed=seed).parameters()]) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("settings", [UNET, SEGNET, FCN32])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_a_step_in_bf16_has_the_same_finite_gradient_for_every_parameter_again(
    settings: NetworkSettings, dimensions: int
) -> None:
    networks = [build_seeded(settings, dimensions=dimensions) for _ in range(2)]
    first, again = (flatten_gradients(network, dimensions) for network in networks)
    assert first.numel() == count_parameters(networks[0])
    assert torch.isfinite(first).all()
    assert torch.equal(first, again)


@pytest.mark.parametrize("name", ["leaky_relu", "prelu"])
def test_the_activation_is_as_asked(name: str) -> None:
    settings = NetworkSettings.model_validate(SEGNET.model_dump() | {"activation": name})
    kinds = {type(module) for module in build_network(settings, dimensions=2, channel_count=1).modules()}
    assert (torch.nn.PReLU in kinds) == (name == "prelu")
    assert (torch.nn.LeakyReLU in kinds) == (name == "leaky_relu")


def test_parameters_that_are_not_trained_do_not_count() -> None:
    """A 3×3 convolution from 2 to 5 channels has 2 × 5 × 9 weights and 5 biases."""
    convolution = torch.nn.Conv2d(2, 5, 3)
    assert count_parameters(convolution) == 95
    convolution.weight.requires_grad_(False)
    assert count_parameters(convolution) == 5
