"""The blocks that SegNet and FCN-32s are stacked of: convolutions, and the encoder that both share."""

from itertools import pairwise

from torch import Tensor, nn

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


class Encoder(nn.Module):
    """Two convolutions per level and a max-pooling by 2 between levels.

    Both papers begin with the convolutions of VGG-16, two or three per level, and pool once more after the last of
    them; here every level has two, and the coarsest has its own, so that `channels` means what it means for a U-Net.

    Args:
        settings: width of each level, activation and dropout.
        dimensions: spatial axes.
        channel_count: C, the channels of an image.
    """

    def __init__(self, settings: NetworkSettings, *, dimensions: int, channel_count: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            build_convolutions(settings, before, after, after, dimensions=dimensions)
            for before, after in pairwise((channel_count, *settings.channels))
        )
        pooling = nn.MaxPool2d if dimensions == 2 else nn.MaxPool3d
        self.pool = pooling(2, return_indices=True)

    def forward(self, image: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Encode an image.

        Args:
            image: (B, C, *S); each side is a multiple of the down-sampling.

        Returns:
            The features of the coarsest level, (B, channels[-1], *S / down-sampling), and for each pooling, finest
            first, the flat index of each maximum among the voxels of its level.
        """
        features, indices = image, []
        for level in self.levels[:-1]:
            features, index = self.pool(level(features))
            indices.append(index)
        return self.levels[-1](features), indices
