import math

import pytest

from overread.errors import InputError
from overread.evaluation.normalised_dice import compare_with_raters, compare_with_rereading, normalise_dice
from tests.unit.evaluation.conftest import LabelSetMaker

# Bars of lengths a and b that begin at the same voxel have Dice 2 min(a, b) / (a + b).


def test_it_is_the_ratio_of_means_not_the_mean_of_ratios() -> None:
    ratio = normalise_dice([0.8, 0.1], [0.8, 0.2], ["a", "b"])
    assert ratio is not None
    assert ratio.estimate == pytest.approx(0.9)  # 0.9 / 1.0, where the mean of 1 and 0.5 is 0.75
    assert (ratio.low, ratio.high) == (pytest.approx(0.5), pytest.approx(1.0))  # one subject drawn twice


def test_a_network_is_compared_with_all_raters_over_all_their_pairs(make_label_set: LabelSetMaker) -> None:
    network = make_label_set("network-ann", {"s1-1": 3, "s2-1": 2, "s3-1": 1})
    raters = [
        make_label_set("ann", {"s1-1": 3, "s2-1": 2, "s3-1": 1}),
        make_label_set("ben", {"s1-1": 1, "s2-1": 6, "s3-1": 1}),
        make_label_set("cat", {"s1-1": 3, "s2-1": 2}),
    ]
    found = compare_with_raters(network, raters, case_ids=["s1-1", "s2-1", "s3-1"], subjects=["s1", "s2", "s3"])
    assert found is not None
    # s1: network 1, 1/2, 1: mean 5/6; raters 1/2, 1, 1/2: 2/3. s2: network 1, 1/2, 1; raters 1/2, 1, 1/2. s3 lacks cat.
    assert (found.network, found.raters) == (pytest.approx(5 / 6), pytest.approx(2 / 3))
    assert found.ratio.estimate == pytest.approx(5 / 4)
    assert (found.case_count, found.yardstick) == (2, "between raters")
    assert (found.prediction, found.references) == ("network-ann", ("ann", "ben", "cat"))


def test_a_network_is_compared_with_a_rater_over_the_second_reading(make_label_set: LabelSetMaker) -> None:
    network = make_label_set("network-ann", {"s1-1": 1, "s1-2": 1})
    first, second = make_label_set("ann", {"s1-1": 3, "s1-2": 3}), make_label_set("ann-again", {"s1-1": 5})
    found = compare_with_rereading(network, first, second, case_ids=["s1-1", "s1-2"], subjects=["s1", "s1"])
    assert found is not None
    assert (found.network, found.raters) == (pytest.approx(1 / 2), pytest.approx(3 / 4))
    assert (found.references, found.yardstick, found.case_count) == (("ann",), "within a rater", 1)
    assert found.ratio.estimate == pytest.approx(2 / 3)
    assert math.isnan(found.ratio.low)  # of a single subject


def test_there_is_no_ratio_without_common_cases_or_common_voxels(make_label_set: LabelSetMaker) -> None:
    network, ann = make_label_set("network-ann", {"s1-1": 1}), make_label_set("ann", {"s1-1": 3})
    ben, cat = make_label_set("ben", {"s1-2": 3}), make_label_set("cat", {"s1-1": 0})
    for other in (ben, cat):
        assert compare_with_raters(network, [ann, other], case_ids=["s1-1", "s1-2"], subjects=["s1", "s1"]) is None
    assert normalise_dice([], [], []) is None


def test_what_cannot_be_compared_is_refused(make_label_set: LabelSetMaker) -> None:
    ann = make_label_set("ann", {"s1-1": 3})
    with pytest.raises(InputError, match="two or more, got 1"):
        compare_with_raters(ann, [ann], case_ids=["s1-1"], subjects=["s1"])
    with pytest.raises(InputError, match="as many values"):
        normalise_dice([1.0], [1.0, 1.0], ["a"])
