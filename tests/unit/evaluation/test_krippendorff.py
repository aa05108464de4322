"""Krippendorff's alpha of masks by hand, and as the share of disagreeing pairs over that of chance."""

from itertools import combinations, permutations

import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.krippendorff import Coincidences, count_coincidences, measure_alpha, pool_coincidences
from overread.types import Mask


def draw(row: str) -> Mask:
    """A mask of one row, 1 for foreground."""
    return np.array([[letter == "1" for letter in row]])


def test_the_published_example_of_two_observers_has_its_published_value() -> None:
    # Krippendorff 2011, section A: two observers, ten binary values; alpha 0.095.
    meg, owen = draw("0100000010"), draw("1110010000")
    counts = count_coincidences([meg, owen])
    assert (counts.background, counts.mixed, counts.foreground) == (10, 4, 2)
    assert measure_alpha([counts], ["a"]).alpha.estimate == pytest.approx(0.095, abs=0.0005)  # type: ignore[union-attr]


def test_three_raters_by_hand() -> None:
    # Voxels 111, 110, 000, 000: each pair counts 1/2. o_11 = 6/2 + 2/2 = 4, o_01 = 2/2 = 1, o_00 = 2 · 6/2 = 6.
    # n_0 = 7, n_1 = 5, n = 12: alpha = 1 - 11 · 1 / 35.
    counts = count_coincidences([draw("1100"), draw("1100"), draw("1000")])
    assert (counts.background, counts.mixed, counts.foreground) == (6, 1, 4)
    assert counts.alpha == pytest.approx(24 / 35)


def test_raters_may_be_missing_in_a_case() -> None:
    generator = np.random.default_rng(3)
    cases = [[generator.random((5, 6)) < 0.4 for _ in range(raters)] for raters in (2, 4, 3)]
    found = measure_alpha([count_coincidences(cases[0]), None, *map(count_coincidences, cases[1:])], list("abcd"))
    assert (found.case_count, found.left_out) == (3, 1)
    assert found.alpha is not None
    assert found.alpha.estimate == pytest.approx(compare_all_pairs(cases))


def compare_all_pairs(cases: list[list[Mask]]) -> float:
    """1 - observed / expected disagreement, value by value (Krippendorff 2011)."""
    observed, values = 0.0, []
    for masks in cases:
        for voxel in np.stack(masks).reshape(len(masks), -1).T:
            observed += sum(a != b for a, b in permutations(voxel, 2)) / (len(voxel) - 1)
            values += voxel.tolist()
    expected = np.mean([a != b for a, b in combinations(values, 2)])
    return float(1 - observed / len(values) / expected)


def test_with_much_background_alpha_of_two_raters_is_their_dice() -> None:
    # 6 and 4 voxels, 3 in common: Dice 0.6.
    first, second = np.zeros((300, 300), np.bool_), np.zeros((300, 300), np.bool_)
    first[5, 5:11], second[5, 8:12] = True, True
    assert count_coincidences([first, second]).alpha == pytest.approx(0.6, abs=1e-4)


def test_alpha_is_1_for_equal_masks_and_about_0_for_unrelated_ones() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.random((2, 200, 200)) < 0.3
    assert count_coincidences([one, one]).alpha == 1.0
    assert count_coincidences([one, other]).alpha == pytest.approx(0.0, abs=0.02)


def test_masks_without_any_foreground_or_background_have_no_alpha() -> None:
    empty = np.zeros((3, 3), np.bool_)
    for mask in (empty, ~empty):
        assert measure_alpha([count_coincidences([mask, mask])], ["a"]).alpha is None
    assert measure_alpha([None], ["a"]).alpha is None


def test_the_interval_is_that_of_drawn_subjects() -> None:
    # Two subjects: one agrees fully, one hardly; both, each alone, by 1/2, 1/4, 1/4 of the samples.
    good, bad = count_coincidences([draw("1100"), draw("1100")]), count_coincidences([draw("1100"), draw("1010")])
    alpha = measure_alpha([good, bad], ["a", "b"]).alpha
    assert alpha is not None
    doubled = pool_coincidences([bad, bad])
    assert (alpha.low, alpha.high) == (pytest.approx(doubled.alpha), 1.0)
    assert alpha.estimate == pool_coincidences([good, bad]).alpha


def test_a_single_subject_leaves_the_interval_unknown() -> None:
    alpha = measure_alpha([count_coincidences([draw("110"), draw("100")])] * 2, ["a", "a"]).alpha
    assert alpha is not None
    assert np.isnan([alpha.low, alpha.high]).all()


def test_the_same_seed_gives_the_same_interval_in_any_order() -> None:
    generator = np.random.default_rng(1)
    rows = [count_coincidences(list(generator.random((2, 4, 4)) < 0.5)) for _ in range(5)]
    subjects = list("abcde")
    forth = measure_alpha(rows, subjects, seed=3)
    assert measure_alpha(rows[::-1], subjects[::-1], seed=3) == forth


def test_masks_that_cannot_be_compared_are_refused() -> None:
    with pytest.raises(InputError, match="two raters"):
        count_coincidences([draw("10")])
    with pytest.raises(InputError, match="one shape"):
        count_coincidences([draw("10"), draw("100")])
    with pytest.raises(InputError, match="one subject per case"):
        measure_alpha([Coincidences(background=1, mixed=1, foreground=1)], [])
