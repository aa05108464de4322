"""The predictions of one network that an uncertainty is taken of."""

import numpy as np
import pytest
import torch
from torch import nn

from overread.errors import InputError
from overread.inference.augmentation import AugmentationRecord, describe_identity
from overread.inference.dropout import DropoutRecord
from overread.inference.sampled_predictions import (
    SampledPrediction,
    predict_sample,
    predict_samples,
)
from overread.inference.settings import UncertaintyMethod, UncertaintySettings
from tests.unit.inference.known_networks import Constant, Voxelwise, build_unet, make_windowing

METHODS: tuple[UncertaintyMethod, ...] = ("mc_dropout", "ensemble", "tta")
IMAGE = np.random.default_rng(0).normal(0, 1, (2, 12, 10, 9)).astype(np.float32)


def predict(
    network: nn.Module, settings: UncertaintySettings, *, spacing: tuple[float, ...] = (1.0, 1.0, 3.0)
) -> list[SampledPrediction]:
    generator = np.random.default_rng(1)
    windowing = make_windowing(8, 8, 8)
    found = predict_samples(
        network, IMAGE, spacing=spacing, settings=settings, windowing=windowing, generator=generator
    )
    return list(found)


@pytest.mark.parametrize(("method", "count"), [("mc_dropout", 4), ("ensemble", 1), ("tta", 4)])
def test_a_network_predicts_as_often_as_the_method_says(method: UncertaintyMethod, count: int) -> None:
    found = predict(build_unet(), UncertaintySettings(method=method, samples=4))
    assert len(found) == count
    assert {p.probability.shape for p in found} == {(12, 10, 9)}
    assert {p.probability.dtype for p in found} == {np.dtype(np.float32)}


@pytest.mark.parametrize("method", METHODS)
def test_a_prediction_is_repeated_bit_for_bit_from_its_record(method: UncertaintyMethod) -> None:
    network = build_unet()
    for first in predict(network, UncertaintySettings(method=method, samples=3)):
        again = predict_sample(network, IMAGE, first.record, make_windowing(8, 8, 8))
        np.testing.assert_array_equal(again.probability, first.probability)


def test_the_first_prediction_of_test_time_augmentation_is_that_of_the_image_itself() -> None:
    first, second, *_ = predict(build_unet(), UncertaintySettings(method="tta", samples=3))
    assert first.record == describe_identity(3)
    assert first.covered is None
    assert second.record != first.record


def test_predictions_are_made_when_they_are_asked_for() -> None:
    class Counts(Constant):
        calls = 0

        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return super().forward(windows)

    network = Counts(0.0)
    generator = np.random.default_rng(0)
    stream = predict_samples(
        network,
        np.zeros((1, 8, 8), np.float32),
        spacing=(1.0, 1.0),
        settings=UncertaintySettings(samples=5),
        windowing=make_windowing(8, 8),
        generator=generator,
    )
    assert network.calls == 0
    next(stream)
    assert network.calls == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_network_in_training_keeps_modes_statistics_and_weights(method: UncertaintyMethod) -> None:
    network = build_unet().train()
    before = {name: values.clone() for name, values in network.state_dict().items()}
    assert any("running_mean" in name for name in before)
    stream = predict_samples(
        network,
        IMAGE,
        spacing=(1.0, 1.0, 1.0),
        settings=UncertaintySettings(method=method, samples=2),
        windowing=make_windowing(8, 8, 8),
        generator=np.random.default_rng(0),
    )
    for _ in stream:
        assert all(layer.training for layer in network.modules())
    for name, values in network.state_dict().items():
        torch.testing.assert_close(values, before[name], rtol=0, atol=0)


def test_dropout_is_off_unless_it_is_asked_for() -> None:
    settings = UncertaintySettings(method="tta", samples=2)
    first, second = (predict(build_unet().train(), settings) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.probability, other.probability)


def test_dropout_differs_from_prediction_to_prediction() -> None:
    first, second = predict(build_unet(), UncertaintySettings(method="mc_dropout", samples=2))
    assert isinstance(first.record, DropoutRecord)
    assert np.abs(first.probability - second.probability).max() > 1e-3


def test_dropout_needs_layers_that_drop() -> None:
    with pytest.raises(InputError, match="mc_dropout needs a network with dropout layers"):
        predict(Voxelwise(), UncertaintySettings(method="mc_dropout"))


@pytest.mark.parametrize(("spacing", "turned"), [((1.0, 1.0, 3.0), True), ((1.0, 2.0, 3.0), False)])
def test_images_are_turned_only_where_their_plane_is_square(spacing: tuple[float, ...], turned: bool) -> None:
    found = predict(Voxelwise(), UncertaintySettings(method="tta", samples=12), spacing=spacing)
    records = [p.record for p in found if isinstance(p.record, AugmentationRecord)]
    assert len(records) == 12
    assert any(record.quarter_turns for record in records) is turned
    assert {p.probability.shape for p in found} == {(12, 10, 9)}


def test_a_voxelwise_network_says_the_same_of_every_copy() -> None:
    expected = 1 / (1 + np.exp(-IMAGE[0]))
    for prediction in predict(Voxelwise(), UncertaintySettings(method="tta", samples=12, zoom_range=(1, 1))):
        where = np.ones(expected.shape, bool) if prediction.covered is None else prediction.covered
        assert where.mean() > 0.1
        np.testing.assert_allclose(prediction.probability[where], expected[where], atol=1e-6)
