"""Choppy errors: both ends of every run move on their own."""

import numpy as np
import pytest
from scipy.stats import norm

from overread.errors import InputError
from overread.labels.perturb.choppy import (
    ChoppyRecord,
    Runs,
    apply_choppy,
    fill_runs,
    find_runs,
    join_runs,
    measure_union,
    shift_ends,
)
from overread.types import Mask


def to_mask(*rows: str) -> Mask:
    return np.array([[letter == "#" for letter in row] for row in rows])


def shift_by_hand(row: str, starts: list[float], ends: list[float]) -> str:
    runs = find_runs(to_mask(row))
    filled = fill_runs(*shift_ends(runs, np.array([starts, ends], np.float64)), runs.size)
    return "".join("#" if voxel else "." for voxel in filled)


class TestRuns:
    def test_are_found_with_their_rows(self) -> None:
        runs = find_runs(to_mask("##..#", "....#", "#####", "....."))
        assert list(zip(runs.starts, runs.ends, strict=True)) == [(0, 2), (4, 5), (9, 10), (10, 15)]
        assert list(zip(runs.lows, runs.highs, strict=True)) == [(0, 5), (0, 5), (5, 10), (10, 15)]

    def test_of_masks_laid_end_to_end_keep_their_rows(self) -> None:
        runs = join_runs([find_runs(to_mask(".#.")), find_runs(to_mask("##"))])
        assert (list(runs.starts), list(runs.ends), list(runs.lows), list(runs.highs)) == (
            [1, 3],
            [2, 5],
            [0, 3],
            [3, 5],
        )

    @pytest.mark.parametrize(
        ("starts", "ends", "expected"),
        [
            ([0, 0], [0, 0], "..##..###."),
            ([-1, 1], [0, 1], ".###...###"),
            ([0, 0], [2, 0], "..#######."),  # the runs meet
            ([0, -3], [3, -4], "..#####..."),  # one lies within the other
            ([3, 0], [0, 0], "......###."),  # the end comes to lie before the start
            ([-9, 0], [0, 9], "####..####"),  # neither leaves the row
            ([0.4, 0.6], [-0.4, 0.4], "..##...##."),  # shifts are rounded
        ],
    )
    def test_move_vanish_meet_and_stay_in_their_row(
        self, starts: list[float], ends: list[float], expected: str
    ) -> None:
        assert shift_by_hand("..##..###.", starts, ends) == expected

    def test_of_full_rows_do_not_leak_into_the_next_one(self) -> None:
        runs = find_runs(to_mask("####", "####"))
        starts, ends = shift_ends(runs, np.array([[-2.0, 2.0], [5.0, -1.0]]))
        assert fill_runs(starts, ends, 8).reshape(2, 4).tolist() == to_mask("####", "..#.").tolist()

    def test_have_a_union_that_can_be_counted_without_filling(self) -> None:
        generator = np.random.default_rng(0)
        for _ in range(200):
            starts = np.sort(generator.integers(0, 40, 6))
            ends = np.sort(starts + generator.integers(0, 12, 6))
            assert measure_union(starts, ends).sum() == np.count_nonzero(fill_runs(starts, ends, 60))

    def test_may_be_none(self) -> None:
        runs = find_runs(np.zeros((2, 3), np.bool_))
        assert isinstance(runs, Runs)
        assert len(runs) == 0
        assert not fill_runs(*shift_ends(runs, np.zeros((2, 0))), runs.size).any()


def test_both_ends_move_by_the_strength_and_on_their_own() -> None:
    """The shifts are rounded, which adds 1/12 to their variance."""
    mask = np.zeros((4000, 101), np.bool_)
    mask[:, 30:70] = True
    perturbed = apply_choppy(mask, ChoppyRecord(strength=3.0, seed=1))
    starts, ends = perturbed.argmax(axis=1) - 30, 101 - perturbed[:, ::-1].argmax(axis=1) - 70
    for shifts in (starts, ends):
        assert shifts.mean() == pytest.approx(0, abs=0.2)
        assert shifts.std() == pytest.approx((9 + 1 / 12) ** 0.5, rel=0.05)
    assert np.corrcoef(starts, ends)[0, 1] == pytest.approx(0, abs=0.06)


def test_a_run_vanishes_when_its_end_comes_to_lie_before_its_start() -> None:
    """A run of 4 voxels vanishes when end minus start falls by 4 or more, 3.5 before rounding."""
    mask = np.zeros((4000, 61), np.bool_)
    mask[:, 30:34] = True
    perturbed = apply_choppy(mask, ChoppyRecord(strength=4.0, seed=2))
    expected = norm.cdf(-3.5 / (2 * (16 + 1 / 12)) ** 0.5)
    assert np.mean(~perturbed.any(axis=1)) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(
    ("shape", "axis", "along"), [((9, 9), None, 1), ((9, 9), 0, 0), ((9, 9, 9), None, 0), ((9, 9, 9), 2, 2)]
)
def test_runs_lie_along_the_axis(shape: tuple[int, ...], axis: int | None, along: int) -> None:
    """A line along the axis may get longer but not thicker."""
    mask = np.zeros(shape, np.bool_)
    line: list[int | slice] = [4] * len(shape)
    line[along] = slice(2, 7)
    mask[tuple(line)] = True
    perturbed = np.any(
        [apply_choppy(mask, ChoppyRecord(strength=2.0, axis=axis, seed=seed)) for seed in range(9)], axis=0
    )
    line[along] = slice(None)
    assert perturbed.sum() == perturbed[tuple(line)].sum() > 5


def test_an_axis_that_the_mask_lacks_is_refused() -> None:
    with pytest.raises(InputError, match=r"axis must be one of the mask's 2 axes.*got 2"):
        apply_choppy(np.zeros((3, 3), np.bool_), ChoppyRecord(strength=1.0, axis=2, seed=0))
