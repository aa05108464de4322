import pytest

from overread.errors import InputError
from overread.evaluation.significance import adjust_holm, compute_paired_p, compute_two_sample_p


def test_two_sample_p_is_students_with_equal_variances() -> None:
    # Means 2 and 4, variances 1 and 1: t = -2 / √(1 × (1/3 + 1/3)) = -2.4495, 4 degrees of freedom, p = 0.0705.
    assert compute_two_sample_p([1.0, 2.0, 3.0], [3.0, 4.0, 5.0]) == pytest.approx(0.0704839, abs=1e-6)


def test_paired_p_looks_at_the_differences() -> None:
    # Differences 1 2 3: t = 2 / (1 / √3) = 3.4641, 2 degrees of freedom: p = 1 - t / √(2 + t²) = 1 - √(12 / 14).
    assert compute_paired_p([2.0, 4.0, 6.0], [1.0, 2.0, 3.0]) == pytest.approx(1 - (12 / 14) ** 0.5)


@pytest.mark.parametrize("second", [[0.5, 0.7], [0.4, 0.6]])
def test_a_paired_test_without_varying_differences_is_undefined(second: list[float]) -> None:
    assert compute_paired_p([0.5, 0.7], second) is None


def test_tests_of_single_values_are_undefined() -> None:
    assert compute_two_sample_p([1.0], [1.0, 2.0]) is None
    assert compute_two_sample_p([1.0, 1.0], [2.0, 2.0]) is None
    assert compute_paired_p([1.0], [2.0]) is None
    assert compute_two_sample_p([1.0, 2.0], []) is None


def test_pairs_must_be_pairs() -> None:
    with pytest.raises(InputError, match="in pairs, got 1 and 2"):
        compute_paired_p([1.0], [1.0, 2.0])


def test_holm_multiplies_by_the_number_of_hypotheses_left() -> None:
    # Sorted .01 .02 .03 .04: × 4 3 2 1 = .04 .06 .06 .04; the last may not fall below the one before.
    assert adjust_holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_stops_at_one_and_passes_over_undefined_tests() -> None:
    assert adjust_holm([0.6, None, 0.7]) == [1.0, None, 1.0]
    assert adjust_holm([None]) == [None]
    assert adjust_holm([]) == []
    assert adjust_holm([0.03]) == [0.03]
