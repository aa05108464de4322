"""Convolutions with normalisation, dropout and activation, as the networks of this package stack them."""

from itertools import pairwise

from torch import nn

from overread.networks.settings import NetworkSettings

ACTIVATIONS = {"leaky_relu": ("leakyrelu", {"negative_slope": 0.1, "inplace": True}), "prelu": ("prelu", {})}
"""MONAI's name and arguments for each activation of the settings."""


def build_convolutions(settings: NetworkSettings, *widths: int, dimensions: int) -> nn.Sequential:
    """Convolutions of side 3 from each width to the next, (B, widths[0], *S) → (B, widths[-1], *S).

    Each is followed by batch normalisation, dropout and activation.
    """
    from monai.networks.blocks import Convolution

    return nn.Sequential(
        *(
            Convolution(
                dimensions, before, after, act=ACTIVATIONS[settings.activation], norm="batch", dropout=settings.dropout
            )
            for before, after in pairwise(widths)
        )
    )
