"""Networks whose convolutions pass on what they get, so that pooling and up-sampling can be followed by hand."""

import torch
from torch import nn

from overread.networks.build import build_network
from overread.networks.settings import Architecture, NetworkSettings


def build_transparent(architecture: Architecture, *, levels: int, dimensions: int) -> nn.Module:
    """A network of one feature per level, in evaluation mode, that changes no number above 0 by more than 0.01 %.

    What changes them is the small constant that a batch normalisation adds to a variance of 1.
    """
    settings = NetworkSettings(architecture=architecture, channels=(1,) * levels)
    network = build_network(settings, dimensions=dimensions, channel_count=1).eval()
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.dirac_(module.weight)
            assert module.bias is not None
            nn.init.zeros_(module.bias)
    return network


def apply(network: nn.Module, values: list[object]) -> torch.Tensor:
    """Answer to one image of one channel, (*S)."""
    with torch.inference_mode():
        answer: torch.Tensor = network(torch.tensor(values, dtype=torch.float32)[None, None])
    return answer[0, 0]
