"""Dropout layers that are active in a network that is applied."""

import numpy as np
import pytest
import torch
from torch import nn

from overread.errors import InputError
from overread.inference.dropout import (
    DropoutRecord,
    activate_dropout,
    apply_dropout,
    sample_dropout,
    switch_dropout_off,
    switch_to_evaluation,
)
from tests.unit.inference.known_networks import CPU, AllOrNothing, Voxelwise, build_unet


def read_modes(network: nn.Module) -> dict[str, bool]:
    return {name: layer.training for name, layer in network.named_modules()}


def draw(network: nn.Module, seed: int) -> torch.Tensor:
    with torch.inference_mode(), apply_dropout(network, DropoutRecord(seed=seed), CPU):
        answer: torch.Tensor = network(torch.ones(1, 2, 8, 8, 8))
    return answer


def test_dropout_layers_alone_are_in_training_mode() -> None:
    network = build_unet()
    with activate_dropout(network):
        training = {type(layer) for layer in network.modules() if layer.training}
        kinds = {type(layer) for layer in network.modules()}
    assert training == {nn.Dropout}
    assert nn.BatchNorm3d in kinds


@pytest.mark.parametrize("training", [True, False])
def test_every_layer_gets_its_mode_back(training: bool) -> None:
    network = build_unet().train(training)
    frozen = next(layer for layer in network.modules() if isinstance(layer, nn.BatchNorm3d))
    frozen.train(not training)
    before = read_modes(network)
    with activate_dropout(network):
        assert read_modes(network) != before
    assert read_modes(network) == before
    with switch_to_evaluation(network):
        assert not any(read_modes(network).values())
    assert read_modes(network) == before


def test_modes_come_back_after_an_error() -> None:
    network = build_unet().train()
    with pytest.raises(RuntimeError, match="out of memory"), apply_dropout(network, DropoutRecord(seed=1), CPU):
        raise RuntimeError("out of memory")
    assert all(read_modes(network).values())


@pytest.mark.parametrize("network", [Voxelwise(), nn.Sequential(nn.Dropout(0.0)), build_unet(dropout=0.0)])
def test_a_network_that_drops_nothing_is_refused(network: nn.Module) -> None:
    with pytest.raises(InputError, match="needs a network with dropout layers"), activate_dropout(network):
        pass


def test_equal_records_drop_equal_features() -> None:
    network = build_unet().train()
    torch.testing.assert_close(draw(network, 1), draw(network, 1), rtol=0, atol=0)
    assert not torch.equal(draw(network, 1), draw(network, 2))


def test_the_random_numbers_of_others_go_on_as_if_nothing_was_drawn() -> None:
    network = build_unet()
    torch.manual_seed(5)
    expected = torch.rand(4)
    torch.manual_seed(5)
    draw(network, 1)
    torch.testing.assert_close(torch.rand(4), expected, rtol=0, atol=0)


def test_draws_answer_both_ways() -> None:
    """Of 20 draws with probability 1/2 all are alike once in 500,000."""
    network, windows = AllOrNothing(), torch.ones(1, 1, 4, 4)
    generator = np.random.default_rng(0)
    answers = set()
    for _ in range(20):
        with apply_dropout(network, sample_dropout(generator), CPU):
            answers.add(float(network(windows)[0, 0, 0, 0]))
    assert answers == {-100.0, 100.0}


def test_dropout_that_is_switched_off_leaves_all_other_layers_in_training_mode() -> None:
    network = build_unet().train()
    with switch_dropout_off(network):
        resting = {type(layer) for layer in network.modules() if not layer.training}
    assert resting == {nn.Dropout}
    assert all(read_modes(network).values())


def test_a_network_in_training_gives_one_answer_while_dropout_is_switched_off() -> None:
    network, windows = build_unet().train(), torch.ones(2, 2, 8, 8, 8)
    with torch.inference_mode(), switch_dropout_off(network):
        torch.testing.assert_close(network(windows), network(windows), rtol=0, atol=0)
    with torch.inference_mode():
        assert not torch.equal(network(windows), network(windows))


def test_dropout_that_rested_before_it_was_switched_off_rests_afterwards() -> None:
    network = build_unet().train()
    resting = next(layer for layer in network.modules() if isinstance(layer, nn.Dropout))
    resting.eval()
    before = read_modes(network)
    with switch_dropout_off(network):
        assert read_modes(network) != before
    assert read_modes(network) == before


def test_dropout_comes_back_after_an_error() -> None:
    network = build_unet().train()
    with pytest.raises(RuntimeError, match="out of memory"), switch_dropout_off(network):
        raise RuntimeError("out of memory")
    assert all(read_modes(network).values())


def test_a_network_without_dropout_may_have_it_switched_off() -> None:
    network = Voxelwise().train()
    with switch_dropout_off(network):
        assert network.training
