import math

import pytest

from overread.errors import InputError
from overread.evaluation.loads import compute_bland_altman, count_load_order
from overread.evaluation.results import BlandAltman, LoadOrder


def test_the_order_of_loads_is_counted_from_the_first() -> None:
    order = count_load_order([1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 5.0, 1.0])
    assert order == LoadOrder(below=2, equal=1, above=1)
    assert order.consistency == 2 / 4


def test_bland_altman_is_second_minus_first() -> None:
    found = compute_bland_altman([1.0, 2.0, 3.0], [2.0, 4.0, 6.0])  # differences 1 2 3: mean 2, sample std 1
    assert found.bias == pytest.approx(2.0)
    assert found.std == pytest.approx(1.0)
    assert found.lower_limit == pytest.approx(2.0 - 1.96)
    assert found.upper_limit == pytest.approx(2.0 + 1.96)
    assert found.case_count == 3


def test_one_case_has_a_bias_and_no_limits() -> None:
    found = compute_bland_altman([1.0], [1.5])
    assert found.bias == 0.5
    assert all(math.isnan(value) for value in (found.std, found.lower_limit, found.upper_limit))


def test_limits_that_do_not_exist_survive_json() -> None:
    found = BlandAltman.model_validate_json(compute_bland_altman([1.0], [1.5]).model_dump_json())
    assert math.isnan(found.upper_limit)


def test_loads_of_different_cases_are_refused() -> None:
    with pytest.raises(InputError, match="same cases, got 1 and 2 loads"):
        count_load_order([1.0], [1.0, 2.0])


def test_agreement_over_no_case_is_refused() -> None:
    with pytest.raises(InputError, match="at least one case"):
        compute_bland_altman([], [])
