"""The probe that tells how an image was acquired."""

from itertools import pairwise

from torch import Tensor, nn

from overread.questions.acquisition_bias.probe_settings import ProbeNetworkSettings

_BLOCK_COUNT = 3


class AcquisitionProbe(nn.Module):
    """The network of the paper “Name that manufacturer!”: 3 blocks, then one dense layer.

    A block is a 3×3 convolution, batch normalisation and max-pooling. The paper gives neither the widths of the blocks
    nor how features reach the dense layer. Here a ReLU follows each normalisation, and the features are averaged over
    the slice, or flattened, see `ProbeNetworkSettings`.

    Args:
        settings: widths, dropout, and what the dense layer sees.
        slice_count: slices that enter as channels.
        side: rows and columns of a slice; a multiple of 8.
        class_count: K.
    """

    def __init__(self, settings: ProbeNetworkSettings, *, slice_count: int, side: int, class_count: int) -> None:
        super().__init__()
        widths = (slice_count, *settings.widths)
        self.blocks = nn.Sequential(*(_build_block(before, after) for before, after in pairwise(widths)))
        small = side // 2**_BLOCK_COUNT if settings.features == "flattened" else 1
        self.pool = nn.Identity() if settings.features == "flattened" else nn.AdaptiveAvgPool2d(1)
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Dropout(settings.dropout), nn.Linear(widths[-1] * small**2, class_count)
        )

    def forward(self, package: Tensor) -> Tensor:
        """Logits (B, K) of packages of slices, (B, slices, Y, X) in [-1, 1]."""
        logits: Tensor = self.dense(self.pool(self.blocks(package)))
        return logits


def _build_block(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)
    )
