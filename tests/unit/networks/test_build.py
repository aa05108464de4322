"""Networks by name."""

import pytest
import torch

from overread.errors import SettingsError
from overread.networks.build import build_network, count_parameters
from overread.networks.settings import NetworkSettings
from overread.training.hardware import place_network

UNET = NetworkSettings(channels=(2, 4, 8), dropout=0.1)
BASIC = NetworkSettings(architecture="basic_unet", channels=(2, 2, 2, 2, 2))


@pytest.mark.parametrize(("settings", "side"), [(UNET, 12), (BASIC, 36)])
@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("channel_count", [1, 4])
def test_a_network_yields_one_logit_per_voxel(
    settings: NetworkSettings, side: int, dimensions: int, channel_count: int
) -> None:
    network = build_network(settings, dimensions=dimensions, channel_count=channel_count).eval()
    placed = place_network(network, torch.device("cpu"), dimensions=dimensions)
    shape = (side,) * dimensions
    with torch.inference_mode():
        assert placed(torch.zeros(2, channel_count, *shape)).shape == (2, 1, *shape)


@pytest.mark.parametrize("settings", [UNET, BASIC])
def test_a_network_normalises_over_the_batch(settings: NetworkSettings) -> None:
    kinds = {type(module) for module in build_network(settings, dimensions=3, channel_count=1).modules()}
    assert torch.nn.BatchNorm3d in kinds
    assert not kinds & {torch.nn.InstanceNorm3d, torch.nn.GroupNorm}


@pytest.mark.parametrize("settings", [UNET, BASIC])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_dropout_is_as_asked(settings: NetworkSettings, dropout: float) -> None:
    network = build_network(settings.model_copy(update={"dropout": dropout}), dimensions=2, channel_count=1)
    rates = {module.p for module in network.modules() if isinstance(module, torch.nn.Dropout)}
    assert rates <= {dropout}
    assert dropout == 0 or rates


def test_the_same_seed_builds_the_same_network() -> None:
    networks = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        networks.append(
            torch.cat([p.flatten() for p in build_network(UNET, dimensions=2, channel_count=1).parameters()])
        )
    first, again, other = networks
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_parameters_that_are_not_trained_do_not_count() -> None:
    """A 3×3 convolution from 2 to 5 channels has 2 × 5 × 9 weights and 5 biases."""
    convolution = torch.nn.Conv2d(2, 5, 3)
    assert count_parameters(convolution) == 95
    convolution.weight.requires_grad_(False)
    assert count_parameters(convolution) == 5


def test_down_sampling_halves_between_levels() -> None:
    assert (UNET.downsampling, BASIC.downsampling) == (4, 16)


def test_basic_unet_needs_five_levels() -> None:
    with pytest.raises(SettingsError, match=r"the widths of five levels, got \(8, 16\)"):
        build_network(NetworkSettings(architecture="basic_unet", channels=(8, 16)), dimensions=2, channel_count=1)
