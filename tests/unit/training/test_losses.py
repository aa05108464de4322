"""Losses, by hand: a logit of ln 3 is a probability of 3/4."""

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import TrainingError
from overread.training.losses import balanced_cross_entropy, cross_entropy, dice_cross_entropy, select_loss

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


class TestBalancedCrossEntropy:
    """Foreground at a probability of 3/4 costs ln 4/3, background at 1/2 costs ln 2."""

    def make_batch(self, background: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Two foreground voxels and `background` others."""
        mask = torch.cat([torch.ones(2), torch.zeros(background)]).reshape(1, 1, 1, -1)
        return mask * log(3), mask

    def test_of_foreground_that_is_everywhere_is_the_cross_entropy(self) -> None:
        assert balanced_cross_entropy(LOGITS, MASK, foreground_fraction=1.0).item() == pytest.approx(CROSS_ENTROPY)

    def test_keeps_all_foreground_when_it_is_next_to_never_in_the_training_set(self) -> None:
        logits, mask = self.make_batch(10)
        value = balanced_cross_entropy(logits, mask, foreground_fraction=1e-30)
        assert value.item() == pytest.approx(log(4 / 3))

    def test_averages_over_the_background_that_is_left_by_the_generator(self) -> None:
        """A draw below the fraction keeps its voxel: k of 8 here, so (2 ln 4/3 + k ln 2) / (2 + k)."""
        logits, mask = self.make_batch(8)
        torch.manual_seed(3)
        kept = int((torch.rand(10)[2:] < 0.4).sum())
        assert 0 < kept < 8
        torch.manual_seed(3)
        value = balanced_cross_entropy(logits, mask, foreground_fraction=0.4)
        assert value.item() == pytest.approx((2 * log(4 / 3) + kept * log(2)) / (2 + kept))

    @given(seed=st.integers(0, 2**32))
    @settings(deadline=None, max_examples=10)
    def test_keeps_about_the_fraction_of_the_background(self, seed: int) -> None:
        """f(1 - f) of N voxels: with f = 0.1 and N = 20,000, 1,800 of 18,000, whose standard deviation is 40."""
        torch.manual_seed(seed)
        mask = (torch.arange(20_000) < 2_000).float().reshape(1, 1, 100, 200)
        value = balanced_cross_entropy(mask * log(3), mask, foreground_fraction=0.1).item()
        kept = 2_000 * (value - log(4 / 3)) / (log(2) - value)
        assert kept == pytest.approx(1_800, abs=200)

    def test_of_nothing_kept_is_zero_with_a_gradient_of_zero(self) -> None:
        logits = torch.full((1, 1, 2, 2), 5.0, requires_grad=True)
        value = balanced_cross_entropy(logits, torch.zeros(1, 1, 2, 2), foreground_fraction=0.0)
        value.backward()
        assert value.item() == 0
        assert logits.grad is not None
        assert torch.equal(logits.grad, torch.zeros(1, 1, 2, 2))

    def test_is_selected_with_the_fraction_of_the_training_set(self) -> None:
        logits, mask = self.make_batch(8)
        loss = select_loss("balanced_cross_entropy", measure_foreground=lambda: 1.0)
        assert loss(logits, mask).item() == pytest.approx((2 * log(4 / 3) + 8 * log(2)) / 10)

    def test_of_a_training_set_without_foreground_is_refused(self) -> None:
        with pytest.raises(TrainingError, match="needs labelled voxels in the training cases, got none"):
            select_loss("balanced_cross_entropy", measure_foreground=lambda: 0.0)


def test_losses_are_found_by_the_names_that_settings_use_without_a_look_at_the_cases() -> None:
    def measure() -> float:
        pytest.fail("these losses do not depend on it")

    assert select_loss("cross_entropy", measure_foreground=measure) is cross_entropy
    assert select_loss("dice_cross_entropy", measure_foreground=measure) is dice_cross_entropy
