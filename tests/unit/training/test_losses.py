"""Losses, by hand: a logit of ln 3 is a probability of 3/4."""

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.training.losses import cross_entropy, dice_cross_entropy, select_loss

LOGITS = torch.tensor([log(3), 0.0, -log(3), 0.0]).reshape(1, 1, 2, 2)
MASK = torch.tensor([1.0, 1.0, 0.0, 0.0]).reshape(1, 1, 2, 2)
CROSS_ENTROPY = (2 * log(4 / 3) + 2 * log(2)) / 4
"""-ln 3/4 where 3/4 is right or 1/4 is wrong, ln 2 where the network says 1/2."""


def test_cross_entropy_is_the_mean_over_voxels() -> None:
    assert cross_entropy(LOGITS, MASK).item() == pytest.approx(CROSS_ENTROPY)


def test_dice_cross_entropy_adds_one_minus_the_soft_dice() -> None:
    """Overlap 3/4 + 1/2, probabilities sum to 2, the mask to 2: (2 × 5/4 + 1) / (2 + 2 + 1) = 0.7."""
    assert dice_cross_entropy(LOGITS, MASK).item() == pytest.approx(CROSS_ENTROPY + 0.3)


def test_dice_sums_its_overlap_over_the_batch() -> None:
    """An empty patch of sure background beside the patch above leaves the Dice as it is."""
    logits = torch.cat([LOGITS, torch.full_like(LOGITS, -30)])
    mask = torch.cat([MASK, torch.zeros_like(MASK)])
    assert dice_cross_entropy(logits, mask).item() == pytest.approx(CROSS_ENTROPY / 2 + 0.3)


def test_dice_cross_entropy_of_a_sure_and_right_prediction_is_zero_also_where_all_is_background() -> None:
    for mask in (MASK, torch.zeros_like(MASK)):
        assert dice_cross_entropy(60 * mask - 30, mask).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("loss", [cross_entropy, dice_cross_entropy])
@given(scale=st.floats(-1e4, 1e4))
@settings(deadline=None, max_examples=25)
def test_losses_stay_finite_and_never_fall_below_zero(loss: object, scale: float) -> None:
    assert callable(loss)
    logits = (LOGITS * scale).requires_grad_()
    value = loss(logits, MASK)
    value.backward()
    assert value.item() >= 0
    assert torch.isfinite(value)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_losses_are_found_by_the_names_that_settings_use() -> None:
    assert select_loss("cross_entropy") is cross_entropy
    assert select_loss("dice_cross_entropy") is dice_cross_entropy
