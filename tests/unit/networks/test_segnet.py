"""SegNet un-pools to where its encoder found the maxima."""

import torch

from overread.networks.build import build_network, count_parameters
from overread.networks.settings import NetworkSettings
from tests.unit.networks.transparent import apply, build_transparent


def test_a_maximum_goes_back_to_its_place_and_the_rest_becomes_zero() -> None:
    image = [[1, 5, 2, 1], [3, 2, 1, 9], [7, 1, 1, 2], [2, 6, 4, 3]]
    expected = [[0, 5, 0, 0], [0, 0, 0, 9], [7, 0, 0, 0], [0, 0, 4, 0]]
    found = apply(build_transparent("segnet", levels=2, dimensions=2), image)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float32), rtol=1e-3, atol=1e-6)


def test_of_two_poolings_the_maximum_of_all_is_left() -> None:
    image = [[1, 5, 2, 1], [3, 2, 1, 9], [7, 1, 1, 2], [2, 6, 4, 3]]
    expected = torch.zeros(4, 4)
    expected[1, 3] = 9
    found = apply(build_transparent("segnet", levels=3, dimensions=2), image)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


def test_a_maximum_goes_back_to_its_place_in_3d() -> None:
    image = [[[1, 2, 8, 3], [4, 3, 1, 1]], [[2, 6, 1, 1], [1, 1, 2, 2]]]
    expected = torch.zeros(2, 2, 4)
    expected[1, 0, 1], expected[0, 0, 2] = 6, 8
    found = apply(build_transparent("segnet", levels=2, dimensions=3), image)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


def test_parameters_by_hand() -> None:
    """A 3×3 convolution from a to b has 9ab + b parameters and its normalisation 2b.

    Encoder 1 → 2 → 2 (24 + 42), 2 → 4 → 4 (84 + 156); narrowing 4 → 2 (78); decoder 2 → 2 → 2 (42 + 42); score (2 + 1).
    """
    settings = NetworkSettings(architecture="segnet", channels=(2, 4))
    assert count_parameters(build_network(settings, dimensions=2, channel_count=1)) == 471


def test_each_level_of_the_decoder_narrows_to_the_next() -> None:
    settings = NetworkSettings(architecture="segnet", channels=(2, 4, 16))
    network = build_network(settings, dimensions=3, channel_count=3)
    widths = [
        (module.in_channels, module.out_channels) for module in network.modules() if isinstance(module, torch.nn.Conv3d)
    ]
    encoder = [(3, 2), (2, 2), (2, 4), (4, 4), (4, 16), (16, 16)]
    assert widths == [*encoder, (16, 4), (4, 4), (4, 2), (2, 2), (2, 2), (2, 1)]
