"""What holds for the metrics of any two masks."""

import math

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from overread.evaluation.case_metrics import CaseMetrics, compute_case_metrics
from overread.types import Mask, Spacing

TOLERANCE = 1.3


@st.composite
def draw_masks(draw: st.DrawFn) -> tuple[Mask, Mask, Spacing]:
    """Two masks on one grid, often sparse, sometimes empty, and an unequal spacing."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=7))
    shares = st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0])
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    first, second = (generator.random(shape) < draw(shares) for _ in range(2))
    sizes = st.floats(0.2, 6.0, allow_nan=False)
    return first, second, tuple(draw(sizes) for _ in shape)


def measure(reference: Mask, prediction: Mask, spacing: Spacing, tolerance: float = TOLERANCE) -> CaseMetrics:
    return compute_case_metrics(reference, prediction, spacing=spacing, tolerance=tolerance)


def approximate(metrics: CaseMetrics) -> CaseMetrics:
    return CaseMetrics(*(pytest.approx(value, abs=1e-9) for value in vars(metrics).values()))


@given(draw_masks())
def test_swapping_the_masks_changes_nothing(case: tuple[Mask, Mask, Spacing]) -> None:
    first, second, spacing = case
    assert measure(first, second, spacing) == approximate(measure(second, first, spacing))


@given(draw_masks())
def test_a_mask_agrees_with_itself(case: tuple[Mask, Mask, Spacing]) -> None:
    mask, _, spacing = case
    assert measure(mask, mask, spacing) == CaseMetrics(dice=1.0, surface_dice=1.0, hd95=0.0, assd=0.0)


@given(draw_masks(), st.floats(0.1, 20.0))
def test_scaling_the_spacing_scales_the_distances(case: tuple[Mask, Mask, Spacing], scale: float) -> None:
    first, second, spacing = case
    metrics = measure(first, second, spacing)
    scaled = measure(first, second, tuple(size * scale for size in spacing), TOLERANCE * scale)
    assert (scaled.dice, scaled.surface_dice) == (metrics.dice, metrics.surface_dice)
    assert (scaled.hd95, scaled.assd) == (pytest.approx(metrics.hd95 * scale), pytest.approx(metrics.assd * scale))


@given(draw_masks(), st.data())
def test_neither_shifting_nor_padding_changes_anything(case: tuple[Mask, Mask, Spacing], data: st.DataObject) -> None:
    first, second, spacing = case
    margins = [(data.draw(st.integers(0, 4)), data.draw(st.integers(0, 4))) for _ in spacing]
    padded = measure(np.pad(first, margins), np.pad(second, margins), spacing)
    assert padded == approximate(measure(first, second, spacing))


@given(draw_masks(), st.data())
def test_swapping_and_flipping_axes_changes_nothing(case: tuple[Mask, Mask, Spacing], data: st.DataObject) -> None:
    first, second, spacing = case
    axes = data.draw(st.permutations(range(first.ndim)))
    flipped = data.draw(st.sets(st.sampled_from(axes)))
    turned = [np.flip(mask, tuple(flipped)).transpose(axes) for mask in (first, second)]
    assert measure(*turned, tuple(spacing[axis] for axis in axes)) == approximate(measure(first, second, spacing))


@given(draw_masks())
def test_tree_and_transform_agree(case: tuple[Mask, Mask, Spacing]) -> None:
    first, second, spacing = case
    by_tree, by_transform = (
        compute_case_metrics(first, second, spacing=spacing, tolerance=TOLERANCE, method=method)
        for method in ("tree", "transform")
    )
    assert by_tree == approximate(by_transform)


@given(draw_masks())
def test_values_stay_in_their_range_and_are_infinite_only_for_one_empty_mask(case: tuple[Mask, Mask, Spacing]) -> None:
    first, second, spacing = case
    metrics = measure(first, second, spacing)
    assert 0 <= metrics.dice <= 1
    assert 0 <= metrics.surface_dice <= 1
    diagonal = math.hypot(*(size * (side - 1) for size, side in zip(spacing, first.shape, strict=True)))
    one_empty = bool(first.any()) != bool(second.any())
    for distance in (metrics.hd95, metrics.assd):
        assert distance == math.inf if one_empty else 0 <= distance <= diagonal + 1e-9


@given(draw_masks(), st.floats(0.0, 5.0))
def test_a_wider_tolerance_never_lowers_the_surface_dice(case: tuple[Mask, Mask, Spacing], wider: float) -> None:
    first, second, spacing = case
    narrow, wide = (measure(first, second, spacing, tolerance) for tolerance in (TOLERANCE, TOLERANCE + wider))
    assert narrow.surface_dice <= wide.surface_dice


@given(draw_masks())
def test_distances_equal_those_of_all_pairs_of_surface_voxels(case: tuple[Mask, Mask, Spacing]) -> None:
    first, second, spacing = case
    assume(first.any() and second.any())
    a, b = (_list_surface(mask) * np.asarray(spacing) for mask in (first, second))
    distances = np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=-1))
    forth, back = distances.min(axis=1), distances.min(axis=0)
    metrics = measure(first, second, spacing)
    assert metrics.assd == pytest.approx(np.concatenate([forth, back]).mean(), abs=1e-9)
    assert metrics.hd95 == pytest.approx(max(np.percentile(forth, 95), np.percentile(back, 95)), abs=1e-9)


def _list_surface(mask: Mask) -> np.ndarray[tuple[int, int], np.dtype[np.intp]]:
    """Indices of the foreground voxels of which a face-neighbour is background or outside, voxel by voxel."""
    padded = np.pad(mask, 1)
    steps = [sign * unit for unit in np.eye(mask.ndim, dtype=np.intp) for sign in (-1, 1)]
    voxels = np.argwhere(mask)
    return np.asarray([voxel for voxel in voxels if not all(padded[tuple(voxel + 1 + step)] for step in steps)])
