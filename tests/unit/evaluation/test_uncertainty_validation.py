from itertools import permutations

import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.uncertainty_validation import UncertainCase, compute_aurc, validate_uncertainty


def make_case(prediction: list[int], reference: list[int], **maps: list[float]) -> UncertainCase:
    return UncertainCase(
        np.array(prediction, np.bool_),
        np.array(reference, np.bool_),
        {name: np.array(values, np.float32) for name, values in maps.items()},
    )


def test_the_area_is_the_mean_of_the_risks_as_cases_are_added() -> None:
    # From certain to uncertain the risks are 0, 0.3, 0.6: means of the first 1, 2, 3 are 0, 0.15, 0.3.
    assert compute_aurc([0.3, 0.6, 0.0], [2.0, 3.0, 1.0]) == pytest.approx(0.15)
    # The worst order: 0.6, 0.45, 0.3.
    assert compute_aurc([0.3, 0.6, 0.0], [2.0, 1.0, 3.0]) == pytest.approx(0.45)


def test_equally_uncertain_cases_stand_in_the_mean_of_all_orders() -> None:
    risks = [0.1, 0.9, 0.4, 0.2]
    orders = [compute_aurc([*order, 0.2], [0.0, 1.0, 2.0, 3.0]) for order in permutations(risks[:3])]
    assert compute_aurc(risks, [1.0, 1.0, 1.0, 2.0]) == pytest.approx(np.mean(orders))
    assert compute_aurc(risks, [1.0] * 4) == pytest.approx(np.mean(risks))


def test_the_program_of_values_leaves_out_half_of_both_ends() -> None:
    generator = np.random.default_rng(0)
    risks, uncertainties = generator.random((2, 30))
    curve = np.cumsum(risks[np.argsort(uncertainties)]) / np.arange(1, 31)
    trapezoids = np.trapezoid(curve, dx=1 / 30)
    assert compute_aurc(risks.tolist(), uncertainties.tolist()) == pytest.approx(
        trapezoids + (curve[0] + curve[-1]) / 60
    )


def test_a_map_is_held_against_the_errors_within_and_over_cases() -> None:
    # First case: Dice 2 · 1 / (2 + 1) = 2/3, the second voxel is wrong; second: Dice 0, both are wrong; third: right.
    cases = [
        make_case([1, 1, 0, 0], [1, 0, 0, 0], knowing=[0.1, 0.9, 0.2, 0.0], ignorant=[0.5, 0.5, 0.5, 0.5]),
        make_case([1, 0], [0, 1], knowing=[0.8, 0.8], ignorant=[0.5, 0.5]),
        make_case([1, 0], [1, 0], knowing=[0.1, 0.1], ignorant=[0.5, 0.5]),
    ]
    knowing, ignorant = validate_uncertainty(iter(cases))
    assert (knowing.map, ignorant.map) == ("knowing", "ignorant")
    assert (knowing.error_auroc, ignorant.error_auroc) == (1.0, 0.5)
    assert (knowing.error_case_count, knowing.case_count) == (1, 3)
    # Risks in the order of mean uncertainty 0.1, 0.3, 0.8: 0, 1/3, 1: means 0, 1/6, 4/9.
    assert knowing.aurc == pytest.approx((1 / 6 + 4 / 9) / 3)
    assert knowing.excess_aurc == pytest.approx(0.0)
    assert ignorant.aurc == ignorant.chance_aurc == pytest.approx(4 / 9)
    assert ignorant.excess_aurc == pytest.approx(4 / 9 - knowing.aurc)


def test_the_area_under_the_roc_is_the_share_of_ordered_pairs_of_a_wrong_and_a_right_voxel() -> None:
    # Wrong: 0.4 and 0.1; right: 0.3, 0.1 and 0.0. Pairs: 0.4 beats 3, 0.1 beats 1 and ties with 1: 4.5 of 6.
    (found,) = validate_uncertainty([make_case([1, 1, 0, 0, 0], [0, 0, 0, 0, 0], u=[0.4, 0.1, 0.3, 0.1, 0.0])])
    assert found.error_auroc == pytest.approx(4.5 / 6)


def test_without_errors_there_is_no_auroc() -> None:
    (found,) = validate_uncertainty([make_case([1, 0], [1, 0], u=[0.1, 0.2])])
    assert (found.error_auroc, found.error_case_count, found.aurc) == (None, 0, 0.0)


def test_what_cannot_be_validated_is_refused() -> None:
    with pytest.raises(InputError, match="at least one case"):
        validate_uncertainty([])
    with pytest.raises(InputError, match="must have the maps u, got v"):
        validate_uncertainty([make_case([1], [1], u=[0.0]), make_case([1], [1], v=[0.0])])
    with pytest.raises(InputError, match=r"shape of its mask, got \(2,\) and \(1,\); map 'u'"):
        validate_uncertainty([make_case([1], [1], u=[0.0, 0.1])])
    for risks, doubts in (([0.1], [0.1, 0.2]), ([], []), ([float("nan")], [0.1])):
        with pytest.raises(InputError, match="finite risks"):
            compute_aurc(risks, doubts)
