import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.distribution_agreement import (
    compare_distributions,
    compute_energy_distance,
    compute_soft_dice,
)
from overread.types import Mask
from tests.unit.evaluation.conftest import LabelSetMaker


def draw(row: str) -> Mask:
    """A mask of one row, # for foreground."""
    return np.array([[letter == "#" for letter in row]])


FULL, HALF, EMPTY = draw("##.."), draw("#..."), draw("....")


def test_the_energy_distance_by_hand() -> None:
    # Distances: FULL to HALF 1/2, to EMPTY 1; HALF to EMPTY 1.
    assert compute_energy_distance([FULL], [HALF]) == pytest.approx(1.0)  # 2 · 1/2 - 0 - 0
    # One network on FULL, raters on FULL and HALF: 2 · (0 + 1/2)/2 - 0 - (0 + 1/2 + 1/2 + 0)/4.
    assert compute_energy_distance([FULL], [FULL, HALF]) == pytest.approx(0.25)
    assert compute_energy_distance([FULL, HALF], [EMPTY]) == pytest.approx(2 - 0.25)


def test_sets_with_the_same_masks_in_the_same_shares_have_no_distance() -> None:
    assert compute_energy_distance([FULL, HALF], [HALF, FULL, FULL, HALF]) == 0.0
    assert compute_energy_distance([EMPTY], [EMPTY]) == 0.0
    assert compute_energy_distance([FULL], [EMPTY]) == 2.0


def test_networks_that_differ_as_raters_do_beat_a_single_one() -> None:
    assert compute_energy_distance([FULL, HALF], [FULL, HALF]) < compute_energy_distance([HALF, HALF], [FULL, HALF])


def test_the_soft_dice_by_hand() -> None:
    # Raters mark the first voxel always, the second by half; networks only the first. Levels 0.1 to 0.4: Dice 2/3; 0.5
    # is not exceeded: Dice 1 at the five levels from there.
    assert compute_soft_dice([HALF], [FULL, HALF]) == pytest.approx((4 * 2 / 3 + 5) / 9)
    assert compute_soft_dice([HALF], [FULL, HALF], levels=[0.0]) == pytest.approx(2 / 3)


def test_a_share_at_a_level_does_not_exceed_it_whatever_rounding_does() -> None:
    raters = [FULL] * 3 + [EMPTY] * 7
    assert compute_soft_dice([EMPTY], raters, levels=[0.3]) == 1.0
    assert compute_soft_dice([EMPTY], raters, levels=[0.29]) == 0.0


def test_cuts_that_are_both_empty_agree() -> None:
    assert compute_soft_dice([EMPTY], [EMPTY]) == 1.0
    assert compute_soft_dice([EMPTY], [FULL]) == 0.0


def test_label_sets_are_compared_on_the_cases_that_all_have(make_label_set: LabelSetMaker) -> None:
    network = make_label_set("network-ann", {"s1-1": 2, "s2-1": 1, "s3-1": 1})
    ann, ben = make_label_set("ann", {"s1-1": 2, "s2-1": 1}), make_label_set("ben", {"s1-1": 2, "s2-1": 2, "s3-1": 2})
    found = compare_distributions([network], [ann, ben], case_ids=["s1-1", "s2-1", "s3-1"])
    assert found is not None
    assert found.case_count == 2
    assert found.energy_distance == pytest.approx((0 + 0.25) / 2)  # as FULL and HALF above
    assert found.soft_dice == pytest.approx((1 + (4 * 2 / 3 + 5) / 9) / 2)
    assert (found.networks, found.raters) == (("network-ann",), ("ann", "ben"))
    assert compare_distributions([network], [ann], case_ids=["s3-1"]) is None


def test_sets_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(InputError, match="got 0 and 1"):
        compute_energy_distance([], [FULL])
    with pytest.raises(InputError, match="one shape"):
        compute_soft_dice([FULL], [draw("#")])
    for levels in ([], [1.0]):
        with pytest.raises(InputError, match="levels of agreement"):
            compute_soft_dice([FULL], [FULL], levels=levels)
