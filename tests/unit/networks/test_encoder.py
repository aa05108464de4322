"""The encoder of SegNet and FCN-32s."""

import pytest
import torch

from overread.networks.blocks import Encoder
from overread.networks.settings import NetworkSettings


@pytest.mark.parametrize("dimensions", [2, 3])
def test_indices_are_those_of_the_maxima_finest_level_first(dimensions: int) -> None:
    torch.manual_seed(0)
    encoder = Encoder(NetworkSettings(channels=(2, 3, 5)), dimensions=dimensions, channel_count=1).eval()
    image = torch.randn(2, 1, *(8, 12, 4)[:dimensions])
    with torch.inference_mode():
        features, indices = encoder(image)
        finest = encoder.levels[0](image)
    assert features.shape == (2, 5, *(2, 3, 1)[:dimensions])
    assert [tuple(index.shape) for index in indices] == [
        (2, 2, *(4, 6, 2)[:dimensions]),
        (2, 3, *(2, 3, 1)[:dimensions]),
    ]
    maxima = finest.flatten(2).gather(2, indices[0].flatten(2))
    torch.testing.assert_close(maxima, encoder.pool(finest)[0].flatten(2))
