"""Trained networks on disk: weights as safetensors, everything needed to apply them as JSON beside it."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from overread.errors import StorageError
from overread.networks.build import build_network
from overread.networks.hardware import place_network
from overread.networks.settings import SETTINGS_FILE, WEIGHTS_FILE, SavedNetworkSettings


def save_network(folder: Path, network: nn.Module, settings: SavedNetworkSettings) -> None:
    """Write weights and settings of a network into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: weight.detach().cpu().contiguous() for name, weight in network.state_dict().items()}
    save_file(weights, folder / WEIGHTS_FILE)
    settings.write(folder / SETTINGS_FILE)


def load_network(folder: Path, device: torch.device) -> tuple[nn.Module, SavedNetworkSettings]:
    """Read a network that `save_network` wrote, in evaluation mode.

    Raises:
        StorageError: the folder does not hold a whole network.
    """
    try:
        settings = SavedNetworkSettings.read(folder / SETTINGS_FILE)
        network = build_network(settings.network, dimensions=settings.dimensions, channel_count=len(settings.channels))
        network.load_state_dict(load_file(folder / WEIGHTS_FILE))
    except Exception as error:
        raise StorageError(
            f"a saved network must hold {WEIGHTS_FILE} and {SETTINGS_FILE}, got {folder}: {error}"
        ) from error
    return place_network(network, device, dimensions=settings.dimensions).eval(), settings
