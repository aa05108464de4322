"""Segmentation networks by name, from MONAI where MONAI has them: built, saved with their settings, and loaded."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from overread.errors import StorageError
from overread.networks.blocks import ACTIVATIONS
from overread.networks.fcn32 import FCN32
from overread.networks.hardware import place_network
from overread.networks.segnet import SegNet
from overread.networks.settings import SETTINGS_FILE, WEIGHTS_FILE, NetworkSettings, SavedNetworkSettings


def build_network(settings: NetworkSettings, *, dimensions: int, channel_count: int) -> nn.Module:
    """Build an untrained network, (B, C, *S) → (B, 1, *S) logits, with batch normalisation."""
    if settings.architecture == "segnet":
        return SegNet(settings, dimensions=dimensions, channel_count=channel_count)
    if settings.architecture == "fcn32":
        return FCN32(settings, dimensions=dimensions, channel_count=channel_count)

    from monai.networks.nets import BasicUNet, UNet

    if settings.architecture == "unet":
        unet: nn.Module = UNet(
            spatial_dims=dimensions,
            in_channels=channel_count,
            out_channels=1,
            channels=settings.channels,
            strides=(2,) * (len(settings.channels) - 1),
            num_res_units=settings.residual_units,
            act=ACTIVATIONS[settings.activation],
            norm="batch",
            dropout=settings.dropout,
        )
        return unet
    basic_unet: nn.Module = BasicUNet(
        spatial_dims=dimensions,
        in_channels=channel_count,
        out_channels=1,
        features=(*settings.channels, settings.channels[0]),
        act=ACTIVATIONS[settings.activation],
        norm=("batch", {}),
        dropout=settings.dropout,
    )
    return basic_unet


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


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
