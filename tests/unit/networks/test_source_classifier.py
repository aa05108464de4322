"""The network that says which source drew a mask."""

import pytest
import torch

from overread.networks.build import count_parameters
from overread.questions.rater_bias.classifier_training import SourceClassifier


def build(dimensions: int, *, dropout: float = 0.5) -> SourceClassifier:
    torch.manual_seed(0)
    return SourceClassifier((2, 3, 4, 5), dropout=dropout, dimensions=dimensions, channel_count=2, source_count=3)


@pytest.mark.parametrize("shape", [(8, 8), (16, 20), (8, 10, 12)])
def test_a_patch_of_any_size_has_one_logit_per_source(shape: tuple[int, ...]) -> None:
    network = build(len(shape)).eval()
    assert network(torch.randn(4, 2, *shape), torch.ones(4, 1, *shape)).shape == (4, 3)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_image_and_mask_both_count(dimensions: int) -> None:
    network, shape = build(dimensions).eval(), (8,) * dimensions
    image, mask = torch.randn(1, 2, *shape), torch.zeros(1, 1, *shape)
    found = network(image, mask)
    assert not torch.equal(found, network(image, 1 - mask))
    assert not torch.equal(found, network(-image, mask))


def test_dropout_acts_in_training_alone() -> None:
    network, image, mask = build(2).eval(), torch.randn(8, 2, 8, 8), torch.ones(8, 1, 8, 8)
    assert torch.equal(network(image, mask), network(image, mask))
    network.head.train()
    assert not torch.equal(network(image, mask), network(image, mask))


def test_parameters_by_hand() -> None:
    """A 3×3 convolution from a to b has 9ab + b parameters and its normalisation 2b.

    Blocks 5 → 2 → 2 (96 + 42), 2 → 3 → 3 (63 + 90), 3 → 4 → 4 (120 + 156), 4 → 5 → 5 (195 + 240), where the first takes
    two channels, these inside the mask, and the mask; dense 5 → 5 (30), output 5 → 3 (18).
    """
    assert count_parameters(build(2)) == 1050


def test_blocks_but_the_last_are_followed_by_pooling() -> None:
    """Three poolings leave one voxel of eight, which the fourth block still sees."""
    features, indices = build(2).eval().encoder(torch.zeros(1, 5, 8, 8))
    assert features.shape == (1, 5, 1, 1)
    assert [index.shape[-1] for index in indices] == [4, 2, 1]
