"""Natural errors, slice by slice: the contour waves."""

import numpy as np
import pytest
from scipy.ndimage import label

from overread.labels.perturb.natural import NaturalRecord, apply_natural
from overread.types import Mask


def draw_disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> Mask:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2)


def perturb(mask: Mask, strength: float, seed: int) -> Mask:
    return apply_natural(mask, NaturalRecord(strength=strength, seed=seed))


def test_the_boundary_of_a_disc_moves_by_the_strength_in_both_directions() -> None:
    """Between two control points a cubic through independent numbers varies less than at them, never by half."""
    disc = draw_disc((121, 121), (60, 60), 40)
    edges = np.array([np.count_nonzero(perturb(disc, 4.0, seed)[60, 60:]) - 41 for seed in range(400)])
    assert edges.mean() == pytest.approx(0, abs=0.7)
    assert 3.0 < edges.std() < 4.4
    assert (edges > 0).any()
    assert (edges < 0).any()


def test_the_boundary_is_smooth() -> None:
    """A wavy disc is one piece; random changes of the same size would leave crumbs."""
    disc = draw_disc((121, 121), (60, 60), 40)
    for seed in range(20):
        assert label(perturb(disc, 4.0, seed))[1] == 1


def test_the_noise_of_a_seed_scales_with_the_strength() -> None:
    disc = draw_disc((121, 121), (60, 60), 40)
    weak, strong = (perturb(disc, strength, 5) for strength in (2.0, 4.0))
    assert not np.array_equal(weak, strong)
    assert np.all((weak & ~disc) <= strong)
    assert np.all((disc & ~weak) <= ~strong)


def test_holes_stay_holes_and_wave_on_their_own() -> None:
    ring = draw_disc((121, 121), (60, 60), 45) & ~draw_disc((121, 121), (60, 60), 20)
    for seed in range(10):
        perturbed = perturb(ring, 2.0, seed)
        assert not perturbed[60, 60]
        assert label(~perturbed)[1] == 2
        assert not np.array_equal(perturbed[40:81, 40:81], ring[40:81, 40:81])


def test_an_island_in_a_hole_survives() -> None:
    ring = draw_disc((121, 121), (60, 60), 50) & ~draw_disc((121, 121), (60, 60), 30)
    perturbed = perturb(ring | draw_disc((121, 121), (60, 60), 10), 1.0, 0)
    assert perturbed[60, 60]
    assert label(perturbed)[1] == 2


def test_components_move_independently_and_their_union_is_filled() -> None:
    left, right = draw_disc((80, 160), (40, 40), 25), draw_disc((80, 160), (40, 100), 25)
    perturbed = np.array([perturb(left | right, 3.0, seed) for seed in range(100)])
    areas = perturbed[:, :, :70].sum(axis=(1, 2)), perturbed[:, :, 70:].sum(axis=(1, 2))
    assert abs(np.corrcoef(*areas)[0, 1]) < 0.3


def test_what_leaves_the_image_is_cut_off() -> None:
    corner = draw_disc((40, 40), (0, 0), 20)
    grown = [perturb(corner, 5.0, seed) for seed in range(20)]
    assert all(mask.shape == (40, 40) for mask in grown)
    assert any(np.count_nonzero(mask) > np.count_nonzero(corner) for mask in grown)


def test_a_single_voxel_grows_or_vanishes() -> None:
    mask = np.zeros((41, 41), np.bool_)
    mask[20, 20] = True
    sizes = np.array([np.count_nonzero(perturb(mask, 6.0, seed)) for seed in range(400)])
    assert (sizes == 0).any()
    assert (sizes > 20).any()


def test_a_contour_never_passes_its_centre() -> None:
    """Offsets of ten times the radius leave the disc, or nothing; a disc turned inside out would miss its centre."""
    disc = draw_disc((61, 61), (30, 30), 3)
    found = [perturb(disc, 30.0, seed) for seed in range(100)]
    assert all(mask[30, 30] for mask in found if mask.any())
    assert any(not mask.any() for mask in found)


def test_each_slice_of_a_volume_has_its_own_errors_and_empty_ones_stay_empty() -> None:
    volume = np.repeat(draw_disc((61, 61), (30, 30), 20)[..., np.newaxis], 4, axis=2)
    volume[..., 1] = False
    perturbed = perturb(volume, 3.0, 0)
    assert not perturbed[..., 1].any()
    assert not np.array_equal(perturbed[..., 0], perturbed[..., 2])
    assert not np.array_equal(perturbed[..., 2], perturbed[..., 3])


@pytest.mark.parametrize("strength", [1e4, 1e12])
def test_absurd_strengths_do_no_harm(strength: float) -> None:
    disc = draw_disc((61, 61), (30, 30), 20)
    assert perturb(disc, strength, 1).shape == disc.shape
