"""What holds for the measures of any lesions, loads, probabilities, uncertainties and sets of masks."""

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from overread.evaluation.calibration import VoxelCase, apply_temperature, fit_temperature, measure_calibration
from overread.evaluation.distribution_agreement import compute_energy_distance, compute_soft_dice
from overread.evaluation.icc import correlate_loads
from overread.evaluation.krippendorff import count_coincidences
from overread.evaluation.lesions import match_lesions
from overread.evaluation.overlap import compute_dice
from overread.evaluation.uncertainty_validation import compute_aurc
from overread.types import Mask


@st.composite
def draw_masks(draw: st.DrawFn, least: int = 2, most: int = 2) -> list[Mask]:
    """Masks on one grid, often sparse, sometimes empty."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=6))
    shares = st.sampled_from([0.0, 0.1, 0.3, 0.7, 1.0])
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return [generator.random(shape) < draw(shares) for _ in range(draw(st.integers(least, most)))]


@st.composite
def draw_voxels(draw: st.DrawFn) -> VoxelCase:
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.integers(1, 60))
    probability = generator.beta(draw(st.floats(0.2, 3)), draw(st.floats(0.2, 3)), size).astype(np.float32)
    return VoxelCase(probability, generator.random(size) < draw(st.floats(0, 1)))


tables = hnp.arrays(np.float64, st.tuples(st.integers(2, 8), st.integers(2, 5)), elements=st.integers(0, 40).map(float))
orders = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4)), min_size=1, max_size=12)
overlaps = st.sampled_from([0.0, 0.1, 0.5, 0.8])


@given(draw_masks(), overlaps)
def test_swapping_the_masks_swaps_precision_and_recall(masks: list[Mask], overlap: float) -> None:
    forth, back = (match_lesions(a, b, overlap=overlap).count() for a, b in (masks, masks[::-1]))
    assert (forth.precision, forth.recall) == (back.recall, back.precision)
    assert forth.f1 == pytest.approx(back.f1)
    assert forth.panoptic_quality == pytest.approx(back.panoptic_quality)


@given(draw_masks(), overlaps)
def test_lesion_wise_figures_stay_in_their_range_and_hang_together(masks: list[Mask], overlap: float) -> None:
    counts = match_lesions(*masks, overlap=overlap).count()
    assert 0 <= counts.panoptic_quality <= counts.recognition_quality <= 1
    assert 0 <= counts.f1 <= 1
    if counts.segmentation_quality is not None:
        assert 0.5 < counts.segmentation_quality <= 1
        product = counts.segmentation_quality * counts.recognition_quality
        assert counts.panoptic_quality == pytest.approx(product)
    if overlap == 0.5:
        assert counts.f1 == pytest.approx(counts.recognition_quality)  # both match one to one


@given(draw_masks(), overlaps)
def test_a_mask_has_all_lesions_of_itself(masks: list[Mask], overlap: float) -> None:
    counts = match_lesions(masks[0], masks[0], overlap=overlap).count()
    assert (counts.f1, counts.panoptic_quality) == (1.0, 1.0)


@given(draw_masks(), overlaps, st.lists(st.floats(0.5, 30), max_size=3, unique=True).map(sorted))
def test_strata_hold_every_lesion_once(masks: list[Mask], overlap: float, edges: list[float]) -> None:
    matching = match_lesions(*masks, overlap=overlap)
    counts, strata = matching.count(), matching.count_by_size(edges)
    for name in ("reference_count", "found_count", "prediction_count", "confirmed_count"):
        assert sum(getattr(one, name) for one in strata) == getattr(counts, name)


@given(tables, st.floats(0.5, 20), st.floats(-30, 30))
def test_the_unit_of_the_loads_does_not_change_their_correlation(
    table: NDArray[np.float64], scale: float, shift: float
) -> None:
    before, after = (correlate_loads(rows.tolist()).icc for rows in (table, table * scale + shift))
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        found = (after.estimate, after.low, after.high)
        assert found == pytest.approx((before.estimate, before.low, before.high), abs=1e-6, nan_ok=True)
        assert before.estimate <= 1
        assert before.low <= before.estimate + 1e-9
        assert before.estimate <= before.high + 1e-9


@given(draw_masks(2, 4))
def test_alpha_is_at_most_1_and_the_same_for_the_complement(masks: list[Mask]) -> None:
    counts = count_coincidences(masks)
    swapped = count_coincidences([~mask for mask in masks])
    assert counts.background + 2 * counts.mixed + counts.foreground == pytest.approx(len(masks) * masks[0].size)
    if counts.alpha is not None:
        assert counts.alpha <= 1
        assert swapped.alpha == pytest.approx(counts.alpha)


@given(draw_masks())
def test_alpha_of_two_raters_tends_to_their_dice_as_background_is_added(masks: list[Mask]) -> None:
    padded = [np.pad(mask, 100 if mask.ndim == 2 else 25) for mask in masks]
    alpha = count_coincidences(padded).alpha
    if alpha is not None:
        assert alpha == pytest.approx(compute_dice(*masks), abs=0.02)


@given(draw_voxels(), st.integers(1, 20))
def test_errors_of_calibration_stay_in_their_range(case: VoxelCase, bin_count: int) -> None:
    found = measure_calibration([case], bin_count=bin_count)
    assert 0 <= found.ece <= found.largest_gap + 1e-9 <= 1 + 2e-9
    assert found.ece**2 <= found.brier + 1e-9  # Jensen, over voxels and bins
    assert sum(one.voxel_count for one in found.bins) == case.probability.size


@given(draw_voxels(), st.integers(0, 60))
def test_voxels_may_come_in_any_number_of_cases(case: VoxelCase, cut: int) -> None:
    halves = [VoxelCase(case.probability[part], case.reference[part]) for part in (slice(cut), slice(cut, None))]
    whole, parts = measure_calibration([case]), measure_calibration(halves)
    assert parts.ece == pytest.approx(whole.ece)
    assert parts.brier == pytest.approx(whole.brier)


@given(draw_voxels(), st.floats(0.1, 10))
def test_a_temperature_keeps_the_order_and_the_mask_and_never_raises_the_loss(
    case: VoxelCase, temperature: float
) -> None:
    scaled = apply_temperature(case.probability, temperature)
    order = np.argsort(case.probability, kind="stable")
    assert (np.diff(scaled[order]) >= 0).all()
    clear = np.abs(case.probability - 0.5) > 1e-5
    assert ((scaled > 0.5) == (case.probability > 0.5))[clear].all()
    fitted = fit_temperature([case])
    assert fitted.loss_after <= fitted.loss_before


@given(orders)
def test_the_area_lies_between_those_of_the_best_and_the_worst_order(cases: list[tuple[float, int]]) -> None:
    risks, doubts = [risk for risk, _ in cases], [float(doubt) for _, doubt in cases]
    best, worst = compute_aurc(risks, risks), compute_aurc(risks, [-risk for risk in risks])
    assert best - 1e-9 <= compute_aurc(risks, doubts) <= worst + 1e-9
    assert compute_aurc(risks[::-1], doubts[::-1]) == pytest.approx(compute_aurc(risks, doubts))


@given(draw_masks(2, 5), st.integers(1, 4))
def test_sets_of_masks_are_compared_symmetrically_and_agree_with_themselves(masks: list[Mask], cut: int) -> None:
    first, second = masks[: min(cut, len(masks) - 1)], masks[min(cut, len(masks) - 1) :]
    for measure, same in ((compute_energy_distance, 0.0), (compute_soft_dice, 1.0)):
        assert measure(first, second) == pytest.approx(measure(second, first))
        assert measure(masks, masks * 2) == pytest.approx(same, abs=1e-9)
    assert 0 <= compute_energy_distance(first, second) <= 2
    assert 0 <= compute_soft_dice(first, second) <= 1


@given(draw_masks())
def test_of_single_masks_the_soft_dice_is_the_dice_and_the_distance_twice_1_less_iou(masks: list[Mask]) -> None:
    dice = compute_dice(*masks)
    assert compute_soft_dice(masks[:1], masks[1:]) == pytest.approx(dice)
    assert compute_energy_distance(masks[:1], masks[1:]) == pytest.approx(2 * (1 - dice / (2 - dice)))
