"""Segmentation networks by name, from MONAI where MONAI has them."""

from torch import nn

from overread.networks.blocks import ACTIVATIONS
from overread.networks.fcn32 import FCN32
from overread.networks.segnet import SegNet
from overread.networks.settings import NetworkSettings


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
