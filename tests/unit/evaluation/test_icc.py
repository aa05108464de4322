"""Intraclass correlation against the published example and other programs' values, and by hand."""

import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.icc import correlate_loads

SHROUT_AND_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Table 2 of Shrout and Fleiss 1979: six targets, four judges."""


def test_the_published_example_has_its_published_value() -> None:
    found = correlate_loads(SHROUT_AND_FLEISS)
    assert found.icc is not None
    # Table 4 of the paper: .29; the R package psych, of the same data: 0.29 with 0.019 to 0.76.
    assert found.icc.estimate == pytest.approx(0.29, abs=0.005)
    assert (found.icc.low, found.icc.high) == (pytest.approx(0.019, abs=0.0005), pytest.approx(0.76, abs=0.005))
    assert (found.case_count, found.left_out, found.rater_count) == (6, 0, 4)


def test_two_raters_by_hand() -> None:
    # Loads (1, 2), (2, 3), (3, 7): means of cases 1.5, 2.5, 5, of raters 2 and 4, of all 3. Squares: cases
    # 2 (2.25 + 0.25 + 4) = 13, raters 3 (1 + 1) = 6, all 4 + 1 + 1 + 0 + 0 + 16 = 22, so 3 are left.
    # MSR = 6.5, MSC = 6, MSE = 1.5: ICC = 5 / (6.5 + 1.5 + 2 · 4.5 / 3) = 5 / 11.
    icc = correlate_loads([[1, 2], [2, 3], [3, 7]]).icc
    assert icc is not None
    assert icc.estimate == pytest.approx(5 / 11)
    assert icc.low < 5 / 11 < icc.high


def test_a_rater_who_always_outlines_more_lowers_it() -> None:
    # Loads 1, 2, 3 and 2, 3, 4: MSR = 2, MSC = 1.5, MSE = 0: ICC = 2 / (2 + 2 · 1.5 / 3) = 2/3, while Pearson's r is 1.
    icc = correlate_loads([[1, 2], [2, 3], [3, 4]]).icc
    assert icc is not None
    assert icc.estimate == pytest.approx(2 / 3)
    assert icc.low < 2 / 3 < icc.high <= 1


def test_perfect_agreement_is_1_without_doubt() -> None:
    icc = correlate_loads([[1.1, 1.1, 1.1], [2.7, 2.7, 2.7], [9.3, 9.3, 9.3]]).icc
    assert icc is not None
    assert (icc.estimate, icc.low, icc.high) == (1.0, 1.0, 1.0)


def test_cases_that_a_rater_left_out_are_left_out_and_counted() -> None:
    whole = correlate_loads([[1, 2], [2, 3], [3, 7]])
    found = correlate_loads([[1, 2], [8, float("nan")], [2, 3], [3, 7], [float("nan")] * 2])
    assert found.icc == whole.icc
    assert (found.case_count, found.left_out) == (3, 2)


@pytest.mark.parametrize(
    "loads", [[[2.0, 2.0], [2.0, 2.0]], [[1.0, 2.0]], [[1.0], [2.0]], [], [[0.0, 1.0], [1.0, 0.0]]]
)
def test_it_is_undefined_where_nothing_differs_or_too_little_is_there(loads: list[list[float]]) -> None:
    assert correlate_loads(loads).icc is None


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    # Variances of cases 4, of raters 0.5, of the rest 1: ICC = 4 / 5.5.
    generator = np.random.default_rng(11)
    hits = 0
    for _ in range(400):
        loads = 2 * generator.standard_normal((12, 1)) + np.sqrt(0.5) * generator.standard_normal((1, 3))
        icc = correlate_loads((loads + generator.standard_normal((12, 3))).tolist()).icc
        assert icc is not None
        hits += icc.low <= 4 / 5.5 <= icc.high
    assert 0.92 <= hits / 400 <= 0.99


def test_raters_who_contradict_each_other_are_below_0_within_their_interval() -> None:
    # Loads (1, 1), (2, 0): MSR = 0, MSC = 1, MSE = 1: ICC = -1 / (1 + 2 · 0 / 2).
    icc = correlate_loads([[1, 1], [2, 0]]).icc
    assert icc is not None
    assert icc.estimate == pytest.approx(-1.0)
    assert icc.low - 1e-9 <= -1 <= icc.high + 1e-9


def test_loads_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="one load per rater"):
        correlate_loads([[1.0, 2.0], [1.0]])
    with pytest.raises(InputError, match="finite"):
        correlate_loads([[1.0, float("inf")], [1.0, 2.0]])
