import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from overread.evaluation.grid import crop_to_foreground
from overread.evaluation.surfaces import compute_directed_distances, extract_surface
from overread.types import Mask


def draw_noise(share: float, seed: int, shape: tuple[int, ...] = (15, 18, 12)) -> Mask:
    return np.random.default_rng(seed).random(shape) < share


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("shape", [(15, 18, 12), (9, 30), (1, 7, 5), (4, 1)])
def test_the_surface_is_what_an_erosion_by_face_neighbours_removes(share: float, shape: tuple[int, ...]) -> None:
    mask = draw_noise(share, 0, shape)
    surface = extract_surface(mask, spacing=(1.0,) * mask.ndim)
    assert np.array_equal(surface.voxels, mask & ~binary_erosion(mask))


@pytest.mark.parametrize(("share", "other"), [(0.01, 0.01), (0.5, 0.5), (0.01, 0.9), (0.9, 0.01)])
def test_tree_and_transform_find_the_same_distances(share: float, other: float) -> None:
    spacing = (0.7, 2.0, 3.3)
    origin = extract_surface(draw_noise(share, 1), spacing=spacing)
    target = extract_surface(draw_noise(other, 2), spacing=spacing)
    by_tree = compute_directed_distances(origin, target, method="tree")
    by_transform = compute_directed_distances(origin, target, method="transform")
    assert by_tree.shape == (np.count_nonzero(origin.voxels),)
    np.testing.assert_allclose(by_tree, by_transform, rtol=0, atol=1e-12)


def test_distances_come_in_the_order_of_the_surface_voxels() -> None:
    origin, target = np.zeros((2, 3), np.bool_), np.zeros((2, 3), np.bool_)
    origin[0, 0] = origin[0, 2] = origin[1, 1] = target[0, 0] = True
    spacing = (3.0, 2.0)
    distances = compute_directed_distances(
        extract_surface(origin, spacing=spacing), extract_surface(target, spacing=spacing)
    )
    np.testing.assert_allclose(distances, [0.0, 4.0, np.sqrt(3**2 + 2**2)])


def test_a_tree_serves_smooth_masks_and_a_transform_ragged_ones() -> None:
    smooth, ragged = np.zeros((30, 30, 30), np.bool_), draw_noise(0.5, 3, (30, 30, 30))
    smooth[5:25, 5:25, 5:25] = True
    target = extract_surface(np.roll(smooth, 1, axis=0), spacing=(1.0, 1.0, 1.0))
    compute_directed_distances(extract_surface(smooth, spacing=(1.0, 1.0, 1.0)), target)
    assert "tree" in vars(target)
    target = extract_surface(draw_noise(0.5, 4, (30, 30, 30)), spacing=(1.0, 1.0, 1.0))
    compute_directed_distances(extract_surface(ragged, spacing=(1.0, 1.0, 1.0)), target)
    assert "tree" not in vars(target)


def test_the_crop_is_the_smallest_box_around_all_masks() -> None:
    masks = [np.zeros((9, 8, 7), np.bool_) for _ in range(3)]
    masks[0][2, 3, 4] = True
    masks[1][5, 1, 4] = True
    cropped = crop_to_foreground([masks[0], np.asfortranarray(masks[1]), masks[2]])
    assert [mask.shape for mask in cropped] == [(4, 3, 1)] * 3
    assert cropped[0][0, 2, 0]
    assert cropped[1][3, 0, 0]
    assert [np.count_nonzero(mask) for mask in cropped] == [1, 1, 0]


def test_masks_that_are_all_empty_are_cropped_to_nothing() -> None:
    assert crop_to_foreground([np.zeros((4, 4), np.bool_)])[0].size == 0
