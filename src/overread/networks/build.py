"""Segmentation networks by name, from MONAI where MONAI has them."""

from torch import nn

from overread.errors import SettingsError
from overread.networks.settings import NetworkSettings

_ACTIVATIONS = {"leaky_relu": ("leakyrelu", {"negative_slope": 0.1, "inplace": True}), "prelu": ("prelu", {})}


def build_network(settings: NetworkSettings, *, dimensions: int, channel_count: int) -> nn.Module:
    """Build an untrained network, (B, C, *S) → (B, 1, *S) logits, with batch normalisation.

    Raises:
        SettingsError: `basic_unet` with other than five channels.
    """
    from monai.networks.nets import BasicUNet, UNet

    if settings.architecture == "unet":
        unet: nn.Module = UNet(
            spatial_dims=dimensions,
            in_channels=channel_count,
            out_channels=1,
            channels=settings.channels,
            strides=(2,) * (len(settings.channels) - 1),
            num_res_units=settings.residual_units,
            act=_ACTIVATIONS[settings.activation],
            norm="batch",
            dropout=settings.dropout,
        )
        return unet
    if len(settings.channels) != 5:
        raise SettingsError("channels of basic_unet must be the widths of five levels", found=settings.channels)
    basic_unet: nn.Module = BasicUNet(
        spatial_dims=dimensions,
        in_channels=channel_count,
        out_channels=1,
        features=(*settings.channels, settings.channels[0]),
        act=_ACTIVATIONS[settings.activation],
        norm=("batch", {}),
        dropout=settings.dropout,
    )
    return basic_unet


def count_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
