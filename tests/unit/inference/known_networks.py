"""Networks whose answers are known."""

from pathlib import Path

import torch
from torch import Tensor, nn

from overread.inference.settings import InferenceSettings
from overread.inference.sliding_window import Windowing
from overread.networks.build import build_network, save_network
from overread.networks.settings import NetworkSettings, SavedNetworkSettings
from overread.study.study import Study

CPU = torch.device("cpu")


def make_windowing(*patch_size: int) -> Windowing:
    return Windowing(patch_size, InferenceSettings(), "fp32", CPU)


class Constant(nn.Module):
    """The same logit everywhere."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, windows: Tensor) -> Tensor:
        return torch.full_like(windows[:, :1], self.logit)


class Voxelwise(nn.Module):
    """The logit of a voxel is the value of its first channel, wherever it lies."""

    def forward(self, windows: Tensor) -> Tensor:
        return windows[:, :1]


class AllOrNothing(nn.Module):
    """Says 0 or 1 for a whole window, as its dropout decides: a feature of 1 becomes 0 or 2 when half are dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(0.5)

    def forward(self, windows: Tensor) -> Tensor:
        features: Tensor = self.dropout(torch.ones_like(windows[:, :1]))
        return 100 * (features - 1)


def build_unet(*, channel_count: int = 2, dimensions: int = 3, dropout: float = 0.3, seed: int = 0) -> nn.Module:
    """An untrained U-Net with batch normalisation and dropout, which treats no direction like another."""
    torch.manual_seed(seed)
    settings = NetworkSettings(channels=(4, 8), dropout=dropout)
    network = build_network(settings, dimensions=dimensions, channel_count=channel_count)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d | nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 1, 3)
    return network


def save_unet(
    folder: Path,
    study: Study,
    *,
    seed: int = 0,
    working_spacing: tuple[float, ...] | None = None,
    channels: tuple[str, ...] | None = None,
) -> Path:
    """Save the network of `build_unet` as one that was trained on the study."""
    names = channels or study.settings.channels
    network = build_unet(channel_count=len(names), dimensions=study.settings.dimensions, seed=seed)
    saved = SavedNetworkSettings(
        network=NetworkSettings(channels=(4, 8), dropout=0.3),
        dimensions=study.settings.dimensions,
        channels=names,
        intensity=study.settings.intensity,
        patch_size=(16,) * study.settings.dimensions,
        working_spacing=working_spacing,
        precision="fp32",
    )
    save_network(folder, network, saved)
    return folder
