"""The epoch after which to relabel."""

import pytest

from overread.errors import InputError
from overread.training.epoch_choice import choose_relabel_epoch, compute_relative_changes, has_passed_minimum

CUMULATIVE = [100.0, 90.0, 45.0, 40.5, 40.5]
"""Relative changes -0.1, -0.5, -0.1, 0: the uncertainty falls fastest in epoch 3."""


def test_changes_are_relative_to_the_epoch_before():
    assert compute_relative_changes(CUMULATIVE) == pytest.approx([-0.1, -0.5, -0.1, 0.0])
    assert compute_relative_changes([0.0, 2.0]) == [0.0]


def test_the_epoch_is_that_in_which_uncertainty_falls_fastest():
    assert choose_relabel_epoch(CUMULATIVE) == 3
    assert choose_relabel_epoch([1.0, 2.0, 3.0]) == 3, "a rise from 2 to 3 is relatively smaller than from 1 to 2"


def test_a_training_stops_when_two_epochs_brought_no_smaller_change():
    assert [has_passed_minimum(CUMULATIVE[:count]) for count in range(1, 6)] == [False, False, False, False, True]
    assert has_passed_minimum(CUMULATIVE[:4], patience=1)


def test_too_few_epochs_are_refused():
    with pytest.raises(InputError, match="two epochs"):
        choose_relabel_epoch([1.0])
