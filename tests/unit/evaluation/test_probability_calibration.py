import math

import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.calibration import (
    Calibration,
    VoxelCase,
    apply_temperature,
    fit_temperature,
    measure_calibration,
)


def make_case(probability: list[float], reference: list[int], region: list[int] | None = None) -> VoxelCase:
    return VoxelCase(
        np.array(probability, np.float32),
        np.array(reference, np.bool_),
        None if region is None else np.array(region, np.bool_),
    )


def draw_case(temperature: float, *, seed: int, size: int = 40_000) -> VoxelCase:
    """Labels that come true with a probability whose logit is `temperature` times smaller than the given one's."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-1.0, 2.0, size)
    labels = generator.random(size) < 1 / (1 + np.exp(-logits))
    return VoxelCase((1 / (1 + np.exp(-logits * temperature))).astype(np.float32), labels)


def test_the_table_the_ece_and_the_brier_score_by_hand() -> None:
    # Bins of a half. [0, 0.5): 0.25 and 0.25, of which one is foreground: gap 0.25 - 0.5. [0.5, 1]: 0.5, 0.75 and 1,
    # all foreground: gap 0.75 - 1. ECE = 2/5 · 0.25 + 3/5 · 0.25.
    cases = [make_case([0.25, 0.75, 1.0], [0, 1, 1]), make_case([0.25, 0.5], [1, 1])]
    found = measure_calibration(cases, bin_count=2)
    assert [(one.low, one.high, one.voxel_count) for one in found.bins] == [(0.0, 0.5, 2), (0.5, 1.0, 3)]
    assert [one.mean_probability for one in found.bins] == [0.25, 0.75]
    assert [one.foreground_share for one in found.bins] == [0.5, 1.0]
    assert [one.gap for one in found.bins] == [-0.25, -0.25]
    assert found.ece == pytest.approx(0.25)
    assert found.largest_gap == pytest.approx(0.25)
    assert found.brier == pytest.approx((0.25**2 + 0.25**2 + 0 + 0.75**2 + 0.5**2) / 5)
    assert (found.voxel_count, found.case_count) == (5, 2)


def test_an_empty_bin_has_no_gap_and_no_weight() -> None:
    found = measure_calibration([make_case([0.1, 0.9], [0, 1])], bin_count=3)
    assert (found.bins[1].voxel_count, found.bins[1].gap) == (0, None)
    assert found.ece == pytest.approx(0.1)
    assert Calibration.model_validate_json(found.model_dump_json()) == found


def test_only_voxels_of_the_region_count() -> None:
    whole = measure_calibration([make_case([0.0, 0.0, 0.6], [0, 0, 1])])
    near = measure_calibration([make_case([0.0, 0.0, 0.6], [0, 0, 1], [0, 0, 1])])
    assert whole.ece == pytest.approx(0.4 / 3)
    assert (near.ece, near.voxel_count) == (pytest.approx(0.4), 1)


def test_temperature_finds_how_much_too_sure_a_network_is() -> None:
    for true in (0.5, 2.5):
        found = fit_temperature(draw_case(true, seed=seed) for seed in range(3))
        assert found.temperature == pytest.approx(true, rel=0.02)
        assert found.loss_after < found.loss_before
        assert not found.is_at_its_bound


def test_temperature_by_hand() -> None:
    # Three of four voxels of probability 0.9 are foreground: likeliest is σ(logit(0.9) / T) = 3/4, T = ln 9 / ln 3 = 2.
    found = fit_temperature([make_case([0.9, 0.9], [1, 1]), make_case([0.9, 0.9], [1, 0])])
    assert found.temperature == pytest.approx(2.0, abs=1e-4)
    assert found.loss_before == pytest.approx(-(3 * math.log(0.9) + math.log(0.1)) / 4, abs=1e-6)
    assert found.loss_after == pytest.approx(-(3 * math.log(0.75) + math.log(0.25)) / 4, abs=1e-6)
    assert found.voxel_count == 4


def test_a_temperature_without_a_best_value_says_so() -> None:
    right = fit_temperature([make_case([0.6, 0.4], [1, 0])])
    swapped = fit_temperature([make_case([0.6, 0.4], [0, 1])])
    assert right.is_at_its_bound
    assert swapped.is_at_its_bound
    assert right.temperature < 0.051
    assert swapped.temperature > 19.9


def test_applying_the_fitted_temperature_mends_the_calibration() -> None:
    temperature = fit_temperature([draw_case(3.0, seed=0)]).temperature
    test = draw_case(3.0, seed=1)
    mended = VoxelCase(apply_temperature(test.probability, temperature), test.reference)
    before, after = measure_calibration([test]), measure_calibration([mended])
    assert after.ece < 0.01 < 0.1 < before.ece
    assert after.brier < before.brier


def test_a_temperature_of_two_takes_the_root_of_the_odds() -> None:
    softened = apply_temperature(np.array([0.8, 0.5, 0.1, 0.0, 1.0], np.float32), 2.0)
    assert softened.dtype == np.float32
    # Odds 4, 1, 1/9 and about 2^±24 become 2, 1, 1/3 and 2^±12.
    assert softened == pytest.approx([2 / 3, 0.5, 0.25, 1 / 4097, 4096 / 4097], abs=1e-6)


def test_what_breaks_a_rule_is_refused() -> None:
    with pytest.raises(InputError, match="one shape"):
        measure_calibration([make_case([0.1, 0.2], [1])])
    with pytest.raises(InputError, match=r"in \[0, 1\], got -0.5 to 0.25"):
        measure_calibration([make_case([0.25, -0.5], [1, 0])])
    with pytest.raises(InputError, match=r"in \[0, 1\]"):
        fit_temperature([make_case([float("nan")], [1])])
    with pytest.raises(InputError, match="at least one voxel, got 1 cases"):
        measure_calibration([make_case([0.1], [1], [0])])
    with pytest.raises(InputError, match="at least one bin"):
        measure_calibration([], bin_count=0)
    with pytest.raises(InputError, match="at least one voxel"):
        fit_temperature([])
    with pytest.raises(InputError, match="positive"):
        apply_temperature(np.zeros(1, np.float32), 0.0)
