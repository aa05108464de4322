"""The network that says which source drew a mask."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from overread.networks.encoder import Encoder
from overread.networks.settings import NetworkSettings


class SourceClassifier(nn.Module):
    """Blocks of two convolutions, a dense layer and an output layer (Schwartzman et al. 2019, figure 3).

    Max-pooling by 2 follows every block but the last, batch normalisation every convolution. The paper does not say how
    the last block is joined to the dense layer, nor where its dropout is: here the features are averaged over the
    patch, so that it does not matter where in the patch an outline runs, and dropout precedes the output layer.

    Beside image and mask, the first block sees their product, the image inside the mask. Sources differ in where their
    outlines run in the image, and from separate channels that takes several hundred training steps to find.

    Args:
        features: width of each block; the dense layer is as wide as the last one.
        dropout: probability that a feature of the dense layer is dropped, in [0, 1).
        dimensions: spatial axes.
        channel_count: C, the channels of an image.
        source_count: R, the sources to tell apart.
    """

    def __init__(
        self, features: Sequence[int], *, dropout: float, dimensions: int, channel_count: int, source_count: int
    ) -> None:
        super().__init__()
        width = features[-1]
        self.encoder = Encoder(
            NetworkSettings(channels=tuple(features)), dimensions=dimensions, channel_count=2 * channel_count + 1
        )
        self.head = nn.Sequential(
            nn.Linear(width, width), nn.LeakyReLU(0.1), nn.Dropout(dropout), nn.Linear(width, source_count)
        )

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Classify patches.

        Args:
            image: (B, C, *P), normalised; each side is at least 2 to the power of the number of poolings.
            mask: (B, 1, *P) of 0 and 1.

        Returns:
            Logits, (B, R).
        """
        features, _ = self.encoder(torch.cat([image, image * mask, mask], dim=1))
        logits: Tensor = self.head(features.flatten(2).mean(dim=2))
        return logits
