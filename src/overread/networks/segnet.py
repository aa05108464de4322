"""SegNet."""

from torch import Tensor, nn

from overread.networks.blocks import Encoder, build_convolutions
from overread.networks.settings import NetworkSettings


class SegNet(nn.Module):
    """SegNet (Badrinarayanan et al. 2017), in 2D and 3D.

    The decoder puts each feature back to the voxel that was the maximum of its pooling window, 0 elsewhere, and
    convolves what it gets; nothing but these indices crosses from the encoder. It mirrors the encoder: one convolution
    narrows the coarsest level to the width of the next finer one, every other level un-pools and convolves twice, of
    which the second narrows.

    Deviations: two convolutions per level where the paper has two or three, convolutions at the coarsest level (see
    `Encoder`), dropout where it is asked for, and a 1×1 convolution to one logit where the paper has a 3×3 one to one
    logit per class.

    Args:
        settings: width of each level, activation and dropout.
        dimensions: spatial axes.
        channel_count: C, the channels of an image.
    """

    def __init__(self, settings: NetworkSettings, *, dimensions: int, channel_count: int) -> None:
        super().__init__()
        *finer, coarsest = settings.channels
        self.encoder = Encoder(settings, dimensions=dimensions, channel_count=channel_count)
        self.narrow = build_convolutions(settings, coarsest, finer[-1], dimensions=dimensions)
        self.unpool = nn.MaxUnpool2d(2) if dimensions == 2 else nn.MaxUnpool3d(2)
        narrower = (finer[0], *finer)
        self.levels = nn.ModuleList(
            build_convolutions(settings, width, width, narrower[index], dimensions=dimensions)
            for index, width in reversed(list(enumerate(finer)))
        )
        convolution = nn.Conv2d if dimensions == 2 else nn.Conv3d
        self.score = convolution(finer[0], 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Logits (B, 1, *S) of an image (B, C, *S) whose sides are multiples of the down-sampling."""
        features, indices = self.encoder(image)
        features = self.narrow(features)
        for level, index in zip(self.levels, reversed(indices), strict=True):
            features = level(self.unpool(features, index))
        logits: Tensor = self.score(features)
        return logits
