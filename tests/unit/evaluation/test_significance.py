import pytest

from overread.evaluation.significance import adjust_holm, compute_two_sample_p


def test_two_sample_p_is_students_with_equal_variances() -> None:
    # Means 2 and 4, variances 1 and 1: t = -2 / √(1 × (1/3 + 1/3)) = -2.4495, 4 degrees of freedom, p = 0.0705.
    assert compute_two_sample_p([1.0, 2.0, 3.0], [3.0, 4.0, 5.0]) == pytest.approx(0.0704839, abs=1e-6)


def test_tests_of_single_values_are_undefined() -> None:
    assert compute_two_sample_p([1.0], [1.0, 2.0]) is None
    assert compute_two_sample_p([1.0, 1.0], [2.0, 2.0]) is None
    assert compute_two_sample_p([1.0, 2.0], []) is None


def test_holm_multiplies_by_the_number_of_hypotheses_left() -> None:
    # Sorted .01 .02 .03 .04: × 4 3 2 1 = .04 .06 .06 .04; the last may not fall below the one before.
    assert adjust_holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_holm_stops_at_one_and_passes_over_undefined_tests() -> None:
    assert adjust_holm([0.6, None, 0.7]) == [1.0, None, 1.0]
    assert adjust_holm([None]) == [None]
    assert adjust_holm([]) == []
    assert adjust_holm([0.03]) == [0.03]
