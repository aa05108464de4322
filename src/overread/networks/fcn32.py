"""FCN-32s."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from overread.networks.blocks import Encoder
from overread.networks.settings import NetworkSettings


class FCN32(nn.Module):
    """FCN-32s (Long et al. 2015), in 2D and 3D: the coarsest level is scored and up-sampled at once to the image.

    The factor is the network's down-sampling, which is the paper's 32 for six levels. As in the paper the up-sampling
    is fixed to bilinear interpolation, trilinear in 3D, and is not learned.

    Deviations: two convolutions per level where the paper has two or three; the coarsest level has two of them (see
    `Encoder`) in place of the two layers of 4096 features, which come from VGG-16's classifier; batch normalisation; at
    the rim the coarse scores go on as they are, where the paper's transposed convolution fades to 0.

    Args:
        settings: width of each level, activation and dropout.
        dimensions: spatial axes.
        channel_count: C, the channels of an image.
    """

    def __init__(self, settings: NetworkSettings, *, dimensions: int, channel_count: int) -> None:
        super().__init__()
        self.factor = settings.downsampling
        self.encoder = Encoder(settings, dimensions=dimensions, channel_count=channel_count)
        convolution = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.score = convolution(settings.channels[-1], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, 1, *S) of an image (B, C, *S) whose sides are multiples of the down-sampling."""
        features, _ = self.encoder(image)
        return upsample_linear(self.score(features), self.factor)


def upsample_linear(values: Tensor, factor: int) -> Tensor:
    """Interpolate (B, C, *S) to (B, C, *S × factor), linear along each axis, constant beyond the outer centres.

    Equals `torch.nn.functional.interpolate(align_corners=False)`, whose gradient on a GPU adds up in an order that
    varies from run to run; the products of matrices here have one order.
    """
    for _ in values.shape[2:]:
        identity = torch.eye(values.shape[2], device=values.device)
        weights = functional.interpolate(identity[None], scale_factor=factor, mode="linear")[0]
        # The product moves its axis to the end, so that the next axis comes third and all end in their first order.
        values = torch.tensordot(values, weights.to(values.dtype), dims=([2], [0]))
    return values
