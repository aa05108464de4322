"""The search for the strength that leaves a Dice."""

import pytest

from overread.labels.perturb.search import Search, search_strength


def search(measure, target: float, *, start: float = 1.0, factor: float = 2.0, limit: float = 100.0) -> Search:
    return search_strength(measure, target, start=start, factor=factor, limit=limit)


@pytest.mark.parametrize("start", [0.01, 1.0, 50.0])
def test_a_straight_line_is_hit_exactly_from_wherever_it_starts(start: float) -> None:
    found = search(lambda strength: max(1 - strength / 40, 0), 0.9, start=start)
    assert found.has_converged
    assert (found.nearest.strength, found.nearest.dice) == (pytest.approx(4.0), pytest.approx(0.9))


def test_both_bounds_are_within_the_tolerance_at_the_end() -> None:
    """From 1 to 2, 4 and 8 the Dice passes 0.85; halving 4 to 8 until the bounds are 0.01 apart takes 5 steps."""
    asked: list[float] = []

    def measure(strength: float) -> float:
        asked.append(strength)
        return 1 - strength / 40

    found = search(measure, 0.85)
    assert found.has_converged
    assert asked[:4] == [1, 2, 4, 8]
    above = max(strength for strength in asked if 1 - strength / 40 >= 0.85)
    below = min(strength for strength in asked if 1 - strength / 40 < 0.85)
    assert below - above <= 0.4


def test_a_dice_below_what_the_strongest_errors_leave_is_not_reached() -> None:
    found = search(lambda strength: max(1 - strength / 40, 0.7), 0.6)
    assert not found.has_converged
    assert found.describe_nearest() == "reachable: [0.700, 1.000]"


def test_a_dice_in_a_gap_is_not_reached_but_its_neighbours_are_named() -> None:
    found = search(lambda strength: 0.95 if strength < 3 else 0.8, 0.9)
    assert not found.has_converged
    assert found.describe_nearest() == "the nearest reachable values are 0.800 and 0.950"
    assert found.nearest.dice == 0.95


def test_no_strength_beyond_the_limit_is_tried() -> None:
    found = search(lambda strength: 1 - strength / 1000, 0.9, limit=30.0)
    assert not found.has_converged
    assert max(level.strength for level in found.tried) == 30.0
