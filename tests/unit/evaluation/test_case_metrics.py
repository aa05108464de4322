"""Numbers derived by hand, voxels of 1 × 2 × 5 mm unless said otherwise."""

import math

import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.case_metrics import CaseMetrics, compute_case_metrics
from overread.types import Mask, Spacing

SPACING = (1.0, 2.0, 5.0)


def draw(shape: tuple[int, ...], *voxels: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, np.bool_)
    for voxel in voxels:
        mask[voxel] = True
    return mask


def measure(reference: Mask, prediction: Mask, tolerance: float = 1.0, spacing: Spacing = SPACING) -> CaseMetrics:
    return compute_case_metrics(reference, prediction, spacing=spacing, tolerance=tolerance)


def test_single_voxels_are_as_far_apart_as_their_centres() -> None:
    metrics = measure(draw((9, 9, 9), (1, 1, 1)), draw((9, 9, 9), (3, 4, 2)), tolerance=8.0)
    distance = math.sqrt(2**2 + 6**2 + 5**2)  # steps (2, 3, 1) × (1, 2, 5) mm = √65 = 8.06
    assert metrics == CaseMetrics(
        dice=0.0, surface_dice=0.0, hd95=pytest.approx(distance), assd=pytest.approx(distance)
    )


@pytest.mark.parametrize(("axis", "distance"), [(0, 1.0), (1, 2.0), (2, 5.0)])
def test_a_step_along_an_axis_is_as_long_as_its_spacing(axis: int, distance: float) -> None:
    step = tuple(int(other == axis) for other in range(3))
    assert measure(draw((4, 4, 4), (0, 0, 0)), draw((4, 4, 4), step)).assd == pytest.approx(distance)


def test_directions_of_unequal_size_are_pooled_for_the_assd_and_kept_apart_for_the_hd95() -> None:
    one = draw((8, 3, 3), (0, 1, 1))
    five = draw((8, 3, 3), *((x, 1, 1) for x in range(5)))
    metrics = measure(one, five, tolerance=1.0)
    # one → five: 0.  five → one: 0 1 2 3 4; its 95th percentile lies at rank 0.95 × 4 = 3.8, so 3.8 mm.
    assert metrics.dice == pytest.approx(2 * 1 / (1 + 5))
    assert metrics.assd == pytest.approx((0 + 0 + 1 + 2 + 3 + 4) / 6)
    assert metrics.hd95 == pytest.approx(3.8)
    assert metrics.surface_dice == pytest.approx((1 + 2) / (1 + 5))


def test_voxels_inside_the_mask_are_no_surface() -> None:
    solid = np.zeros((7, 7, 7), np.bool_)
    solid[1:6, 1:6, 1:6] = True
    hollow = solid.copy()
    hollow[3, 3, 3] = False
    metrics = measure(solid, hollow, tolerance=1.0)
    # solid: 125 - 27 = 98 surface voxels.  hollow: these and the 6 face-neighbours of the hole.  Of those the two along
    # X lie 1 mm below the surface; the other four reach it by two steps along X (or, along Y, one of 2 mm): 2 mm.
    assert metrics.assd == pytest.approx((2 * 1 + 4 * 2) / (98 + 104))
    assert metrics.surface_dice == pytest.approx((98 + 98 + 2) / (98 + 104))
    assert metrics.dice == pytest.approx(2 * 124 / (125 + 124))


def test_foreground_at_the_border_of_the_image_is_surface() -> None:
    full = np.ones((3, 3, 3), np.bool_)  # 26 surface voxels, the centre is inside
    centre = draw((3, 3, 3), (1, 1, 1))
    metrics = measure(full, centre, tolerance=1.0, spacing=(1.0, 1.0, 1.0))
    # centre → full: 1.  full → centre: 6 faces 1, 12 edges √2, 8 corners √3.
    assert metrics.assd == pytest.approx((1 + 6 + 12 * math.sqrt(2) + 8 * math.sqrt(3)) / 27)
    assert metrics.surface_dice == pytest.approx((1 + 6) / 27)


def test_two_dimensions_are_measured_alike() -> None:
    metrics = measure(draw((5, 6), (0, 0)), draw((5, 6), (3, 2)), spacing=(1.0, 2.0))
    assert metrics.hd95 == pytest.approx(5.0)  # 3 × 1 and 2 × 2


def test_two_empty_masks_agree_perfectly() -> None:
    empty = draw((4, 5, 6))
    assert measure(empty, empty) == CaseMetrics(dice=1.0, surface_dice=1.0, hd95=0.0, assd=0.0)


@pytest.mark.parametrize("empty_first", [True, False])
def test_distances_are_infinite_when_one_mask_is_empty(empty_first: bool) -> None:
    masks = [draw((4, 5, 6)), draw((4, 5, 6), (1, 1, 1))]
    reference, prediction = masks if empty_first else reversed(masks)
    assert measure(reference, prediction) == CaseMetrics(dice=0.0, surface_dice=0.0, hd95=math.inf, assd=math.inf)


def test_a_distance_equal_to_the_tolerance_is_within_it_whatever_the_rounding() -> None:
    spacing = (0.1, 1.0, 1.0)  # 3 × 0.1 = 0.30000000000000004
    assert measure(draw((9, 1, 1), (0, 0, 0)), draw((9, 1, 1), (3, 0, 0)), 0.3, spacing).surface_dice == 1.0


def test_a_tolerance_of_zero_asks_for_equal_surfaces() -> None:
    assert measure(draw((3, 1, 1), (0, 0, 0)), draw((3, 1, 1), (0, 0, 0), (1, 0, 0)), 0.0).surface_dice == 2 / 3


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_memory_order_of_the_masks_does_not_matter(order: str) -> None:
    generator = np.random.default_rng(3)
    masks = [np.pad(generator.random((6, 7, 8)) < 0.3, 3) for _ in range(2)]
    expected = measure(*masks)
    assert measure(np.asarray(masks[0], order=order), np.asarray(masks[1], order="F")) == expected  # type: ignore[call-overload]


def test_neither_mask_is_changed() -> None:
    masks = [np.random.default_rng(seed).random((5, 5, 5)) < 0.5 for seed in (0, 1)]
    copies = [mask.copy() for mask in masks]
    measure(*masks)
    assert all(np.array_equal(mask, copy) for mask, copy in zip(masks, copies, strict=True))


def test_values_are_plain_numbers() -> None:
    metrics = measure(draw((4, 4, 4), (0, 0, 0)), draw((4, 4, 4), (0, 0, 0), (1, 0, 0)))
    assert all(type(value) is float for value in vars(metrics).values())


def test_masks_of_unequal_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"one shape, got \(2, 2, 2\) and \(2, 2, 3\)"):
        measure(draw((2, 2, 2)), draw((2, 2, 3)))


def test_masks_of_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="must be of type bool, got uint8"):
        measure(np.ones((2, 2, 2), np.uint8), np.ones((2, 2, 2), np.uint8))  # type: ignore[arg-type]


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1.0, 0.0, 1.0), (1.0, math.nan, 1.0), (1.0, -1.0, 1.0)])
def test_a_spacing_that_is_no_spacing_is_refused(spacing: Spacing) -> None:
    with pytest.raises(InputError, match="spacing must hold 3 positive numbers"):
        measure(draw((2, 2, 2)), draw((2, 2, 2)), spacing=spacing)


@pytest.mark.parametrize("tolerance", [-1.0, math.inf, math.nan])
def test_a_tolerance_that_is_no_distance_is_refused(tolerance: float) -> None:
    with pytest.raises(InputError, match="tolerance must be 0 or more"):
        measure(draw((2, 2, 2)), draw((2, 2, 2)), tolerance)
