import pytest
import torch
from torch import nn

from overread.networks.build import count_parameters
from overread.questions.acquisition_bias.probe_loop import AcquisitionProbe
from overread.questions.acquisition_bias.probe_settings import ProbeNetworkSettings


@pytest.mark.parametrize(("features", "inputs"), [("averaged", 6), ("flattened", 6 * 3 * 3)])
def test_the_dense_layer_sees_means_or_all_features(features: str, inputs: int) -> None:
    settings = ProbeNetworkSettings.parse({"widths": [2, 4, 6], "features": features}, where="test")
    network = AcquisitionProbe(settings, slice_count=3, side=24, class_count=5)
    # Convolutions 27 × 2 + 18 × 4 + 36 × 6, normalisation 2 × (2 + 4 + 6), dense 5 per input and 5.
    assert count_parameters(network) == 54 + 72 + 216 + 24 + 5 * inputs + 5
    assert network(torch.zeros(2, 3, 24, 24)).shape == (2, 5)


def test_there_are_three_blocks_of_convolution_normalisation_and_pooling() -> None:
    network = AcquisitionProbe(ProbeNetworkSettings(), slice_count=3, side=16, class_count=2)
    for kind in (nn.Conv2d, nn.BatchNorm2d, nn.MaxPool2d):
        assert sum(isinstance(module, kind) for module in network.modules()) == 3
