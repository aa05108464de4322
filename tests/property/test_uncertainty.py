"""What holds for the uncertainty of any predictions."""

import hypothesis.extra.numpy as hnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from overread.inference.augmentation import apply_augmentation, invert_augmentation, sample_augmentation
from overread.inference.settings import UncertaintySettings
from overread.inference.uncertainty_maps import UncertaintyAccumulator, UncertaintyMaps
from overread.types import Mask

PREDICTIONS = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=4, min_side=1, max_side=5),
    elements=st.floats(0, 1, width=32),
)
"""(N, *S) probabilities, often exactly 0 or 1."""


def accumulate(predictions: NDArray[np.float32], covered: Mask | None = None) -> UncertaintyMaps:
    accumulator = UncertaintyAccumulator(predictions.shape[1:])
    for index, prediction in enumerate(predictions):
        accumulator.add(prediction, None if covered is None else covered[index])
    return accumulator.compute()


@given(PREDICTIONS)
def test_maps_are_those_of_all_predictions_at_once(predictions: NDArray[np.float32]) -> None:
    maps, exact = accumulate(predictions), predictions.astype(np.float64)
    np.testing.assert_allclose(maps.probability, exact.mean(0), atol=1e-6)
    np.testing.assert_allclose(maps.aleatoric, (exact * (1 - exact)).mean(0), atol=1e-6)
    np.testing.assert_allclose(maps.epistemic, exact.var(0), atol=1e-6)


@given(PREDICTIONS)
def test_maps_keep_their_ranges_and_add_up(predictions: NDArray[np.float32]) -> None:
    maps = accumulate(predictions)
    for uncertainty in (maps.aleatoric, maps.epistemic):
        assert uncertainty.dtype == np.float32
        assert uncertainty.min() >= 0
        assert uncertainty.max() <= 0.25
    total = maps.probability * (1 - maps.probability)
    np.testing.assert_allclose(maps.aleatoric + maps.epistemic, total, atol=1e-6)


@given(PREDICTIONS, st.integers(0, 2**32 - 1))
def test_voxels_take_only_the_predictions_that_cover_them(predictions: NDArray[np.float32], seed: int) -> None:
    covered = np.random.default_rng(seed).random(predictions.shape) < 0.5
    covered[0] = True
    maps, exact = accumulate(predictions, covered), np.ma.masked_array(predictions.astype(np.float64), ~covered)
    np.testing.assert_allclose(maps.probability, exact.mean(0).filled(), atol=1e-6)
    np.testing.assert_allclose(maps.aleatoric, (exact * (1 - exact)).mean(0).filled(), atol=1e-6)
    np.testing.assert_allclose(maps.epistemic, exact.var(0).filled(), atol=1e-6)


@given(st.integers(0, 2**32 - 1), hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9), st.booleans())
def test_without_magnification_every_covered_voxel_comes_back_bit_for_bit(
    seed: int, shape: tuple[int, ...], by_slice: bool
) -> None:
    generator = np.random.default_rng(seed)
    settings = UncertaintySettings(shift_voxels=3, zoom_range=(1, 1), flip_axes=(0, 1, 2))
    dimensions = 2 if by_slice else len(shape)
    record = sample_augmentation(settings, generator, dimensions=dimensions, square_plane=True)
    image = generator.random((2, *shape), np.float32)
    back, covered = invert_augmentation(apply_augmentation(image, record)[1], record)
    assert back.shape == shape
    where = np.ones(shape, bool) if covered is None else covered
    moved_out = [min(side, abs(voxels)) for side, voxels in zip(shape, record.shift_voxels, strict=False)]
    kept = [side - gone for side, gone in zip(shape, [*moved_out, 0], strict=False)]
    assert np.count_nonzero(where) == np.prod(kept)
    np.testing.assert_array_equal(back[where], image[1][where])


@given(st.integers(0, 2**32 - 1), hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9))
def test_copies_hold_no_value_that_the_image_has_not(seed: int, shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(seed)
    settings = UncertaintySettings(zoom_range=(0.5, 2))
    record = sample_augmentation(settings, generator, dimensions=len(shape), square_plane=True)
    image = generator.random((1, *shape), np.float32)
    varied = apply_augmentation(image, record)
    assert varied.dtype == np.float32
    assert image.min() - 1e-6 <= varied.min()
    assert varied.max() <= image.max() + 1e-6
