"""Pixel weights from the gradient of a clean batch."""

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from overread.networks.build import build_network
from overread.networks.settings import NetworkSettings
from overread.training.losses import compute_pixel_weights, compute_weighted_loss


def make_batch(seed: int, *, size: int = 8, count: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Images whose bright half is the structure."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.zeros(count, 1, size, size)
    mask[..., : size // 2] = 1
    return mask + 0.3 * torch.randn(count, 1, size, size, generator=generator), mask


def compute_loss(network: nn.Module, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    return functional.binary_cross_entropy_with_logits(network(batch[0]), batch[1])


def test_the_weights_are_the_fall_of_the_clean_loss_per_pixel():
    """Ren et al. 2018, equation 6: step along one pixel's loss, look at the clean loss; in float64, by differences."""
    torch.manual_seed(0)
    network = nn.Conv2d(1, 1, 3, padding=1).double()
    noisy, clean = ([part.double() for part in make_batch(seed, size=4, count=1)] for seed in (1, 2))
    noisy[1][0, 0, 0, 0] = 0
    step, expected = 1e-5, []
    for pixel in range(16):
        moved = copy.deepcopy(network)
        losses = functional.binary_cross_entropy_with_logits(moved(noisy[0]), noisy[1], reduction="none")
        gradients = torch.autograd.grad(losses.flatten()[pixel], list(moved.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(moved.parameters(), gradients, strict=True):
                parameter -= step * gradient
            expected.append((compute_loss(network, clean) - compute_loss(moved, clean)).item() / step)
    pulls = torch.tensor(expected).clamp(min=0)
    weights = compute_pixel_weights(network, tuple(noisy), tuple(clean))
    assert torch.allclose(weights.flatten().float(), pulls / pulls.sum(), atol=1e-4)


@pytest.mark.parametrize("architecture", ["unet", "segnet", "fcn32"])
def test_a_wrong_label_weighs_less_than_a_right_one_and_the_network_is_left_alone(architecture):
    torch.manual_seed(0)
    settings = NetworkSettings(architecture=architecture, channels=(4, 8), residual_units=0)
    network = build_network(settings, dimensions=2, channel_count=1).train()
    clean = make_batch(0, size=16, count=4)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(20):
        optimiser.zero_grad()
        compute_loss(network, clean).backward()
        optimiser.step()
    optimiser.zero_grad()
    before = copy.deepcopy(network.state_dict())
    image, mask = make_batch(1, size=16)
    wrong = torch.zeros_like(mask, dtype=torch.bool)
    wrong[:, :, :2, :2] = True
    weights = compute_pixel_weights(network, (image, torch.where(wrong, 1 - mask, mask)), clean)
    assert weights.sum().item() == pytest.approx(1, abs=1e-5)
    assert weights.min() >= 0
    assert weights[wrong].mean() < 0.2 * weights[~wrong].mean()
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_without_any_helpful_pixel_all_weights_are_zero():
    network = nn.Conv2d(1, 1, 1)
    with torch.no_grad():
        network.weight.fill_(1.0)
        network.bias.fill_(0.0)
    pixel = torch.ones(1, 1, 1, 1)
    # The same pixel is background in the noisy batch and structure in the clean one: it pulls the wrong way.
    assert compute_pixel_weights(network, (pixel, torch.zeros_like(pixel)), (pixel, pixel)).sum() == 0
    assert compute_pixel_weights(network, (pixel, pixel), (pixel, pixel)).sum() == 1


def test_the_weighted_loss_is_the_sum_of_weights_times_losses():
    # Cross-entropy of logit 0 is ln 2 whatever the label.
    weights = torch.tensor([[[[0.5, 0.25]]]])
    loss = compute_weighted_loss(torch.zeros(1, 1, 1, 2), torch.tensor([[[[0.0, 1.0]]]]), weights)
    assert loss.item() == pytest.approx(0.75 * 0.693147, abs=1e-5)
