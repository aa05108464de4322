"""Saved networks that say the same of every voxel."""

from pathlib import Path

from torch import nn

from overread.networks.build import build_network, save_network
from overread.networks.settings import NetworkSettings, SavedNetworkSettings
from overread.study.study import Study

NETWORK = NetworkSettings(architecture="basic_unet", channels=(2, 2, 2, 2, 2))


def save_constant_network(
    folder: Path, study: Study, logit: float, *, working_spacing: tuple[float, ...] | None = None
) -> Path:
    """Save a network for a study that says the same logit everywhere: its last convolution has only a bias."""
    dimensions, channels = study.settings.dimensions, study.settings.channels
    network = build_network(NETWORK, dimensions=dimensions, channel_count=len(channels))
    last = list(network.modules())[-1]
    assert isinstance(last, nn.Conv2d | nn.Conv3d)
    assert last.bias is not None
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, logit)
    saved = SavedNetworkSettings(
        network=NETWORK,
        dimensions=dimensions,
        channels=channels,
        intensity=study.settings.intensity,
        patch_size=(16,) * dimensions,
        working_spacing=working_spacing,
        precision="fp32",
    )
    save_network(folder, network, saved)
    return folder
