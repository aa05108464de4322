"""Networks on disk: there and back, whole, and without pickle."""

from pathlib import Path

import pytest
import torch
from torch import nn

from overread.errors import StorageError
from overread.networks.build import build_network, load_network, save_network
from overread.networks.settings import Architecture, NetworkSettings, SavedNetworkSettings
from overread.study.schema import IntensitySettings

CPU = torch.device("cpu")
SAVED = SavedNetworkSettings(
    network=NetworkSettings(channels=(2, 4), dropout=0.3),
    dimensions=3,
    channels=("t1", "flair"),
    intensity=IntensitySettings(nonzero_only=True),
    patch_size=(8, 8, 4),
    working_spacing=(1.0, 1.0, 2.5),
    precision="fp32",
)


@pytest.fixture
def network() -> nn.Module:
    """A network whose running statistics are not those of a fresh one."""
    torch.manual_seed(0)
    network = build_network(SAVED.network, dimensions=3, channel_count=2)
    network(torch.randn(4, 2, 8, 8, 4))
    return network


def test_a_network_comes_back_with_its_settings_and_its_answers(tmp_path: Path, network: nn.Module) -> None:
    save_network(tmp_path / "n", network, SAVED)
    loaded, settings = load_network(tmp_path / "n", CPU)
    assert settings == SAVED
    assert not loaded.training
    image = torch.randn(1, 2, 8, 8, 4)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(image), network.eval()(image))
    for name, weight in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


@pytest.mark.parametrize("architecture", ["segnet", "fcn32"])
def test_a_network_for_slices_comes_back_in_2d(tmp_path: Path, architecture: Architecture) -> None:
    shape = NetworkSettings(architecture=architecture, channels=(2, 4))
    slicewise = SAVED.model_copy(update={"network": shape, "dimensions": 2, "patch_size": (8, 8, 1)})
    trained = build_network(shape, dimensions=2, channel_count=2)
    trained(torch.randn(4, 2, 8, 8))
    save_network(tmp_path / "n", trained, slicewise)
    loaded, settings = load_network(tmp_path / "n", CPU)
    assert settings == slicewise
    image = torch.randn(3, 2, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(loaded(image), trained.eval()(image))


def test_the_files_hold_no_pickle(tmp_path: Path, network: nn.Module) -> None:
    save_network(tmp_path / "n", network, SAVED)
    assert sorted(path.name for path in (tmp_path / "n").iterdir()) == ["network.json", "network.safetensors"]
    content = (tmp_path / "n" / "network.safetensors").read_bytes()
    assert content[8:9] == b"{"  # eight bytes of length, then the JSON header of safetensors


@pytest.mark.parametrize("name", ["network.json", "network.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_half_a_network_is_refused(tmp_path: Path, network: nn.Module, name: str, content: bytes | None) -> None:
    save_network(tmp_path / "n", network, SAVED)
    (tmp_path / "n" / name).unlink()
    if content is not None:
        (tmp_path / "n" / name).write_bytes(content)
    with pytest.raises(StorageError, match=r"must hold network\.safetensors and network\.json, got .*/n: "):
        load_network(tmp_path / "n", CPU)


def test_weights_of_another_network_are_refused(tmp_path: Path, network: nn.Module) -> None:
    save_network(tmp_path / "n", network, SAVED.model_copy(update={"network": NetworkSettings(channels=(2, 8))}))
    with pytest.raises(StorageError, match="size mismatch"):
        load_network(tmp_path / "n", CPU)
