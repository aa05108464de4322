"""FCN-32s scores its coarsest level and interpolates."""

import pytest
import torch
from torch.nn import functional

from overread.networks.build import build_network, count_parameters
from overread.networks.fcn32 import upsample_linear
from overread.networks.settings import NetworkSettings
from tests.unit.networks.transparent import apply, build_transparent


def test_up_sampling_by_two_lies_a_quarter_from_the_coarse_centres() -> None:
    """Fine centres lie at -1/4, 1/4, 3/4 and 5/4 of the way from the first coarse centre to the second."""
    found = upsample_linear(torch.tensor([[[[0.0, 4.0]]]]), 2)
    torch.testing.assert_close(found, torch.tensor([[[[0.0, 1.0, 3.0, 4.0], [0.0, 1.0, 3.0, 4.0]]]]))


@pytest.mark.parametrize("shape", [(2, 3), (3, 1, 2)])
def test_up_sampling_keeps_a_constant_exactly_also_in_bf16_and_at_the_rim(shape: tuple[int, ...]) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        found = upsample_linear(torch.full((2, 1, *shape), 0.75), 32)
    assert found.shape == (2, 1, *(32 * side for side in shape))
    assert (found == 0.75).all()


@pytest.mark.parametrize(("shape", "mode"), [((3, 5), "bilinear"), ((2, 4, 3), "trilinear")])
def test_up_sampling_and_its_gradient_are_those_of_interpolation(shape: tuple[int, ...], mode: str) -> None:
    values = torch.randn(2, 3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gradients, results = [], []
    for upsample in (
        lambda coarse: upsample_linear(coarse, 4),
        lambda coarse: functional.interpolate(coarse, scale_factor=4, mode=mode),
    ):
        coarse = values.clone().requires_grad_()
        results.append(upsample(coarse))
        results[-1].square().sum().backward()
        gradients.append(coarse.grad)
    torch.testing.assert_close(*results)
    torch.testing.assert_close(*gradients)


def test_a_network_answers_with_the_interpolated_maxima() -> None:
    image = [[1, 2, 3, 8], [4, 1, 2, 5]]
    expected = torch.tensor([[4.0, 5.0, 7.0, 8.0]] * 2)
    found = apply(build_transparent("fcn32", levels=2, dimensions=2), image)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


def test_six_levels_are_up_sampled_by_32() -> None:
    settings = NetworkSettings(architecture="fcn32", channels=(6, 12, 24, 48, 96, 192))
    network = build_network(settings, dimensions=2, channel_count=1).eval()
    with torch.inference_mode():
        answer = network(torch.randn(1, 1, 64, 32))[0, 0]
    assert answer.shape == (64, 32)
    torch.testing.assert_close(answer[:16], answer[:1].expand(16, -1))  # one score down to the first coarse centre
    torch.testing.assert_close(answer[48:], answer[-1:].expand(16, -1))


def test_parameters_by_hand() -> None:
    """As SegNet's encoder, 24 + 42 + 84 + 156, and a score of 4 + 1; the up-sampling has none."""
    settings = NetworkSettings(architecture="fcn32", channels=(2, 4))
    assert count_parameters(build_network(settings, dimensions=2, channel_count=1)) == 311
