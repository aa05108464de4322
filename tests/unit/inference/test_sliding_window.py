"""Whole images through networks whose answers are known."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from overread.inference.settings import InferenceSettings
from overread.inference.sliding_window import predict_probability
from overread.networks.hardware import Precision
from overread.types import Image, Probability


class ConstantLogit(nn.Module):
    """Says ln 3, a probability of 3/4, everywhere."""

    def forward(self, windows: Tensor) -> Tensor:
        return torch.full_like(windows[:, :1], log(3))


def pick_channel(channel: int, *, channels: int, dimensions: int) -> nn.Module:
    """A 1×1 convolution that returns one channel."""
    kind = nn.Conv2d if dimensions == 2 else nn.Conv3d
    network = kind(channels, 1, 1, bias=False)
    nn.init.zeros_(network.weight)
    nn.init.ones_(network.weight[:, channel])
    return network


def predict(
    network: nn.Module,
    image: Image,
    patch_size: tuple[int, ...],
    *,
    precision: Precision = "fp32",
    overlap: float = 0.25,
) -> Probability:
    return predict_probability(
        network,
        image,
        patch_size=patch_size,
        settings=InferenceSettings(overlap=overlap),
        precision=precision,
        device=torch.device("cpu"),
    )


shapes = st.lists(st.integers(1, 20), min_size=2, max_size=3).map(tuple)


@given(shape=shapes, side=st.integers(2, 9), overlap=st.sampled_from([0.0, 0.25, 0.5]))
@settings(deadline=None, max_examples=40)
def test_a_constant_logit_gives_a_constant_probability(shape: tuple[int, ...], side: int, overlap: float) -> None:
    found = predict(ConstantLogit(), np.zeros((2, *shape), np.float32), (side,) * len(shape), overlap=overlap)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.full(shape, 0.75), atol=1e-6)


@given(shape=shapes, side=st.integers(2, 9), channel=st.integers(0, 2))
@settings(deadline=None, max_examples=40)
def test_a_network_that_returns_a_channel_gives_its_sigmoid(shape: tuple[int, ...], side: int, channel: int) -> None:
    image = np.random.default_rng(0).normal(0, 2, (3, *shape)).astype(np.float32)
    network = pick_channel(channel, channels=3, dimensions=len(shape))
    found = predict(network, image, (side,) * len(shape))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-image[channel])), atol=1e-5)
    np.testing.assert_array_equal(found > 0.5, image[channel] > 0)


@pytest.mark.parametrize("shape", [(5, 30), (30, 5), (3, 4)])
def test_an_image_smaller_than_the_window_keeps_its_shape_and_place(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).normal(0, 2, (1, *shape)).astype(np.float32)
    found = predict(pick_channel(0, channels=1, dimensions=2), image, (16, 16))
    np.testing.assert_array_equal(found > 0.5, image[0] > 0)


def test_bf16_keeps_the_sign_and_three_digits() -> None:
    image = np.random.default_rng(0).normal(0, 2, (1, 20, 20)).astype(np.float32)
    found = predict(pick_channel(0, channels=1, dimensions=2), image, (8, 8), precision="bf16")
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-image[0])), atol=0.004)  # 8 bits of a logit, slope at most 1/4
    np.testing.assert_array_equal(found > 0.5, image[0] > 0)


class CountsCalls(nn.Module):
    """Says 0, and keeps how many windows of which shape each call brings."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, windows: Tensor) -> Tensor:
        self.shapes.append(tuple(windows.shape))
        return torch.zeros_like(windows[:, :1])


@pytest.mark.parametrize("shape", [(9, 13, 4), (5, 20, 1)])
def test_a_network_for_slices_sees_each_slice_as_an_image(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).normal(0, 2, (2, *shape)).astype(np.float32)
    torch.manual_seed(0)
    network = nn.Conv2d(2, 1, 3, padding=1)
    found = predict(network, image, (8, 8, 1))
    assert found.shape == shape
    assert found.flags.c_contiguous
    for index in range(shape[2]):
        expected = predict(network, np.ascontiguousarray(image[..., index]), (8, 8))
        np.testing.assert_allclose(found[..., index], expected, atol=1e-6)


def test_slices_go_through_the_network_together() -> None:
    """Seven slices of one window each, three at a time."""
    network = CountsCalls()
    predict_probability(
        network,
        np.zeros((2, 8, 8, 7), np.float32),
        patch_size=(8, 8, 1),
        settings=InferenceSettings(windows_per_batch=3),
        precision="fp32",
        device=torch.device("cpu"),
    )
    assert network.shapes == [(3, 2, 8, 8), (3, 2, 8, 8), (1, 2, 8, 8)]


def test_dropout_is_off() -> None:
    network = nn.Sequential(ConstantLogit(), nn.Dropout(0.9)).train()
    np.testing.assert_allclose(predict(network, np.zeros((1, 9, 9), np.float32), (4, 4)), 0.75, atol=1e-6)


def test_windows_weigh_most_in_their_middle() -> None:
    """Windows that disagree blend smoothly: a network that says 1 in windows with a mark, 0 in the others."""

    class SaysWhetherMarked(nn.Module):
        def forward(self, windows: Tensor) -> Tensor:
            marked = windows.amax(dim=(1, 2, 3), keepdim=True) > 0
            return torch.where(marked, 50.0, -50.0).expand(-1, 1, *windows.shape[2:])

    image = np.zeros((1, 8, 12), np.float32)
    image[0, :, 0] = 1
    row = predict(SaysWhetherMarked(), image, (8, 8), overlap=0.5)[4]
    assert (row[:4] > 0.999).all()  # of the first window alone
    assert (row[8:] < 0.001).all()  # of the second alone
    assert (np.diff(row[4:8]) < 0).all()
    assert row[4] + row[7] == pytest.approx(1, abs=1e-5)
