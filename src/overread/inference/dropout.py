"""Monte Carlo dropout: dropout layers that are active while a trained network is applied."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from overread.errors import InputError
from overread.labels.seeds import draw_seed
from overread.settings import Settings

_DROPOUT_LAYERS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


class DropoutRecord(Settings):
    """What decides which features are dropped while a network is applied once.

    Attributes:
        seed: of the generator that the dropout layers draw from.
    """

    seed: int


def sample_dropout(generator: np.random.Generator) -> DropoutRecord:
    """Draw the seed of one application of a network."""
    return DropoutRecord(seed=draw_seed(generator))


@contextmanager
def apply_dropout(network: nn.Module, record: DropoutRecord, device: torch.device) -> Iterator[None]:
    """Let a network drop the features that a record stands for (Gal and Ghahramani 2016).

    Equal records drop equal features as long as the network is applied to equal batches, in the same memory format (see
    `place_network`) and on the same kind of device. The random numbers that anything else draws are not changed.

    Args:
        network: a network with dropout layers.
        record: what `sample_dropout` drew.
        device: where the network is.

    Raises:
        InputError: the network has no dropout layer that drops anything.
    """
    devices = [device] if device.type == "cuda" else []
    with activate_dropout(network), torch.random.fork_rng(devices):
        torch.manual_seed(record.seed)
        yield


@contextmanager
def activate_dropout(network: nn.Module) -> Iterator[None]:
    """Put dropout layers into training mode and all other layers, batch normalisation included, into evaluation mode.

    Every layer gets its mode back afterwards.

    Raises:
        InputError: the network has no dropout layer that drops anything.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, _DROPOUT_LAYERS) and layer.p > 0]
    if not layers:
        raise InputError(
            "mc_dropout needs a network with dropout layers",
            found="none that drops anything",
            hint="train it with network.dropout above 0, or choose the method tta or ensemble",
        )
    with switch_to_evaluation(network):
        for layer in layers:
            layer.train()
        yield


@contextmanager
def switch_to_evaluation(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode; every layer gets its mode back afterwards."""
    modes = [(layer, layer.training) for layer in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


@contextmanager
def switch_dropout_off(network: nn.Module) -> Iterator[None]:
    """Let dropout layers pass everything, and leave all other layers as they are; the modes come back afterwards."""
    active = [layer for layer in network.modules() if isinstance(layer, _DROPOUT_LAYERS) and layer.training]
    for layer in active:
        layer.eval()
    try:
        yield
    finally:
        for layer in active:
            layer.train()
