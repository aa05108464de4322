"""Which epoch's weights a training keeps, and when it ends early."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import InputError
from overread.training.epoch_choice import (
    BestValidation,
    EpochChoice,
    FastestFall,
    FixedEpoch,
    LastEpoch,
    choose_relabel_epoch,
    compute_relative_changes,
    has_learnt,
)
from overread.training.history import EpochReport

CUMULATIVE = [100.0, 90.0, 45.0, 40.5, 40.5]
"""Relative changes -0.1, -0.5, -0.1, 0: the uncertainty falls fastest in epoch 3."""


def test_changes_are_relative_to_the_epoch_before():
    assert compute_relative_changes(CUMULATIVE) == pytest.approx([-0.1, -0.5, -0.1, 0.0])
    assert compute_relative_changes([0.0, 2.0]) == [0.0]


def test_the_epoch_is_that_in_which_uncertainty_falls_fastest():
    assert choose_relabel_epoch(CUMULATIVE) == 3
    assert choose_relabel_epoch([1.0, 2.0, 3.0]) == 3, "a rise from 2 to 3 is relatively smaller than from 1 to 2"


def test_an_epoch_that_may_not_be_chosen_is_passed_over():
    assert choose_relabel_epoch(CUMULATIVE, [True, True, False, True, True]) == 2
    assert choose_relabel_epoch(CUMULATIVE, [True, False, False, True, True]) == 4


def test_too_few_epochs_are_refused():
    with pytest.raises(InputError, match="two epochs"):
        choose_relabel_epoch([1.0])


RULES = (BestValidation(2), LastEpoch(), FixedEpoch(3), FastestFall())
PERHAPS = st.none() | st.floats(0, 1)
HISTORIES = st.lists(st.tuples(PERHAPS, PERHAPS), max_size=12)


def make_reports(dice: list[float | None], sums: list[float | None] | None = None) -> list[EpochReport]:
    """Reports of epochs 1, 2, … with their validation Dice and cumulative uncertainty."""
    pairs = zip(dice, sums or [None] * len(dice), strict=True)
    return [
        EpochReport(
            epoch=epoch,
            loss=1.0,
            learning_rate=0.1,
            seconds=1.0,
            validation_dice=validation,
            cumulative_uncertainty=total,
        )
        for epoch, (validation, total) in enumerate(pairs, start=1)
    ]


def follow(rule: EpochChoice, reports: list[EpochReport]) -> list[tuple[int, bool]]:
    """What the rule says after each epoch: the choice, and whether the training is over."""
    return [(rule.choose(reports[:count]), rule.is_over(reports[:count])) for count in range(1, len(reports) + 1)]


def test_the_first_of_the_best_validations_is_kept_and_patience_counts_validations() -> None:
    """Epoch 3 is not validated, 4 only equals epoch 2; 4 and 5 are the two validations that bring nothing better."""
    reports = make_reports([0.5, 0.7, None, 0.7, 0.6, 0.9])
    assert follow(BestValidation(2), reports)[:5] == [(1, False), (2, False), (2, False), (2, False), (2, True)]
    assert BestValidation(3).choose(reports) == 6


def test_without_a_validation_no_epoch_is_the_best_and_the_training_goes_on() -> None:
    assert follow(BestValidation(1), make_reports([None, None, None])) == [(0, False)] * 3


def test_a_dice_of_zero_is_a_validation() -> None:
    assert follow(BestValidation(1), make_reports([0.0, 0.0])) == [(1, False), (1, True)]


def test_the_last_epoch_is_kept_whatever_the_validation_says() -> None:
    assert follow(LastEpoch(), make_reports([0.9, 0.1, None])) == [(1, False), (2, False), (3, False)]


def test_a_named_epoch_is_kept_once_it_is_there_and_nothing_after_it_is_needed() -> None:
    assert follow(FixedEpoch(2), make_reports([0.9, 0.1, 0.5])) == [(1, False), (2, True), (2, True)]


def test_the_epoch_in_which_uncertainty_falls_fastest_is_kept_and_two_more_are_needed_to_see_it() -> None:
    """Relative changes -0.1, -0.5, -0.1 and 0: the fastest fall is that to epoch 3."""
    reports = make_reports([0.5] * 5, [100.0, 90.0, 45.0, 40.5, 40.5])
    assert follow(FastestFall(), reports) == [(1, False), (2, False), (3, False), (3, False), (3, True)]


def test_an_early_fall_is_not_the_choice_once_a_faster_one_follows_in_time() -> None:
    """Changes -0.2, -0.1 and -0.25: epoch 2 leads until epoch 4 beats it, one epoch before the training would end."""
    reports = make_reports([0.5] * 4, [100.0, 80.0, 72.0, 54.0])
    assert [chosen for chosen, _ in follow(FastestFall(), reports)] == [1, 2, 2, 4]


def test_an_epoch_at_which_the_network_says_nothing_is_not_the_choice_however_fast_uncertainty_falls() -> None:
    """Changes -0.9, -0.5, -0.1 and 0: the fall to epoch 2 is that of a network that comes to predict background."""
    reports = make_reports([0.0, 0.0, 0.3, 0.5, 0.5, 0.5], [1000.0, 100.0, 50.0, 45.0, 45.0, 45.0])
    assert follow(FastestFall(), reports)[1:] == [(2, False), (3, False), (3, False), (3, True), (3, True)]


def test_where_no_network_learns_enough_the_last_epoch_is_the_choice() -> None:
    assert follow(FastestFall(), make_reports([0.0] * 4, [100.0, 50.0, 25.0, 20.0]))[-1] == (4, False)


@pytest.mark.parametrize(
    ("dice", "learnt", "losses", "expected"),
    [
        (0.25, None, (1.0, 0.5), True),
        (0.24, None, (1.0, 0.5), False),
        (0.24, None, (1.0, 0.99), True),
        (0.0, None, (1.0, 1.0), False),
        (0.9, 0.1, (1.0, 0.5), False),
        (0.1, 0.9, (1.0, 0.5), True),
        (None, None, (1.0, 1.0), False),
    ],
)
def test_a_network_has_learnt_once_it_agrees_with_the_labels_it_learns_or_says_something_and_has_settled(
    dice: float | None, learnt: float | None, losses: tuple[float, float], expected: bool
) -> None:
    reports = [
        EpochReport(epoch=epoch, loss=loss, learning_rate=0.1, seconds=1.0, validation_dice=dice, learnt_dice=learnt)
        for epoch, loss in enumerate(losses, start=1)
    ]
    assert has_learnt(reports, 1) is expected


@pytest.mark.parametrize("rule", RULES)
@given(history=HISTORIES)
def test_a_choice_is_an_epoch_so_far_or_none(rule: EpochChoice, history: list[tuple[float | None, float]]) -> None:
    reports = make_reports([dice for dice, _ in history], [total or 0.0 for _, total in history])
    assert 0 <= rule.choose(reports) <= len(reports)


@given(dice=st.lists(PERHAPS, min_size=1, max_size=12), patience=st.integers(1, 4))
def test_no_epoch_has_a_better_validation_than_the_best(dice: list[float | None], patience: int) -> None:
    chosen = BestValidation(patience).choose(make_reports(dice))
    seen = [value for value in dice if value is not None]
    if seen:
        assert dice[chosen - 1] == max(seen)
        assert max(seen) not in dice[: chosen - 1]
    else:
        assert chosen == 0


@given(count=st.integers(1, 12), epoch=st.integers(1, 12), further=st.integers(1, 4))
def test_epochs_after_the_named_one_do_not_change_the_choice(count: int, epoch: int, further: int) -> None:
    rule, reports = FixedEpoch(epoch), make_reports([None] * (count + further))
    if rule.is_over(reports[:count]):
        assert rule.choose(reports) == rule.choose(reports[:count]) == epoch
