"""Natural errors in three dimensions: the surface waves."""

import numpy as np
import pytest

from overread.errors import InputError
from overread.labels.perturb.natural_volume import (
    NaturalVolumeRecord,
    apply_natural_volume,
    compute_signed_distance,
    draw_smooth_field,
)
from overread.types import Mask, Spacing

SPACING = (1.0, 1.0, 3.0)


def draw_ball(shape: tuple[int, int, int], spacing: Spacing, radius_mm: float) -> Mask:
    axes = np.ogrid[tuple(slice(0, size) for size in shape)]
    middle = [(size - 1) / 2 for size in shape]
    squares = sum(((axis - m) * s) ** 2 for axis, m, s in zip(axes, middle, spacing, strict=True))
    return np.asarray(squares <= radius_mm**2)


def perturb(mask: Mask, strength: float, seed: int, spacing: Spacing = SPACING) -> Mask:
    return apply_natural_volume(mask, NaturalVolumeRecord(strength=strength, seed=seed), spacing)


class TestSignedDistance:
    def test_is_measured_to_the_boundary_between_voxels(self) -> None:
        """Voxels of 2 mm, the boundary between the second and the third."""
        mask = np.array([False, False, True, True, True]).reshape(5, 1, 1)
        distances = compute_signed_distance(mask, (2.0, 1.0, 1.0))
        assert distances.reshape(-1).tolist() == [-3.0, -1.0, 1.0, 3.0, 5.0]

    def test_ends_at_the_box_of_the_nearest_voxel(self) -> None:
        """One and two voxels away along axes of 1 and 3 mm: the box begins 0.5 and 4.5 mm away."""
        mask = np.zeros((4, 4, 1), np.bool_)
        mask[0, 0] = True
        distances = compute_signed_distance(mask, (1.0, 3.0, 1.0))
        assert distances[1, 2, 0] == pytest.approx(-((0.5**2 + 4.5**2) ** 0.5))


class TestSmoothField:
    def test_is_standard_normal_at_every_voxel(self) -> None:
        whole = (slice(0, 12), slice(0, 10), slice(0, 8))
        fields = np.array(
            [
                draw_smooth_field((12, 10, 8), whole, waves=(5.0, 2.5, 1.0), generator=np.random.default_rng(seed))
                for seed in range(500)
            ]
        )
        assert abs(fields.mean(axis=0)).max() < 0.2
        assert fields.std(axis=0) == pytest.approx(np.ones((12, 10, 8)), abs=0.16)

    def test_neighbours_are_alike_along_long_waves_only(self) -> None:
        whole = (slice(0, 40), slice(0, 40), slice(0, 40))
        field = draw_smooth_field((40, 40, 40), whole, waves=(8.0, 8.0, 1.0), generator=np.random.default_rng(0))
        assert np.corrcoef(field[1:].ravel(), field[:-1].ravel())[0, 1] > 0.98
        assert np.corrcoef(field[..., 4:].ravel(), field[..., :-4].ravel())[0, 1] < 0.1

    def test_does_not_depend_on_the_part_that_is_asked_for(self) -> None:
        part = (slice(3, 9), slice(0, 4), slice(2, 8))
        whole = (slice(0, 12), slice(0, 10), slice(0, 8))
        fields = [
            draw_smooth_field((12, 10, 8), box, waves=(4.0, 3.0, 2.0), generator=np.random.default_rng(1))
            for box in (part, whole)
        ]
        assert fields[0] == pytest.approx(fields[1][part], abs=1e-5)


def test_the_surface_moves_by_the_strength_in_millimetres_along_every_axis() -> None:
    """Along x a radius of 12 mm is 12 voxels, along z 4; its standard deviation is that of the offsets."""
    ball = draw_ball((61, 61, 21), SPACING, 12.5)
    found = [perturb(ball, 2.0, seed) for seed in range(120)]
    along_x = np.array([np.count_nonzero(mask[30:, 30, 10]) - 0.5 for mask in found])
    along_z = 3 * np.array([np.count_nonzero(mask[30, 30, 10:]) - 0.5 for mask in found])
    assert along_x.mean() == pytest.approx(12.5, abs=0.6)
    assert along_x.std() == pytest.approx(2.0, rel=0.25)
    assert along_x.max() > 12.5 + 2 * 2.0
    assert along_z.mean() == pytest.approx(13.0, abs=1.0)
    assert along_z.std() == pytest.approx(2.0, rel=0.35)


def test_a_strength_too_small_to_reach_a_voxel_changes_nothing() -> None:
    """No voxel centre is nearer to the surface than half a voxel, and offsets are at most 5 strengths."""
    ball = draw_ball((31, 31, 11), SPACING, 10)
    assert np.array_equal(perturb(ball, 0.09, 0), ball)
    assert not np.array_equal(perturb(ball, 0.5, 0), ball)


def test_slices_do_not_move_on_their_own() -> None:
    """Neighbouring slices of a long cylinder change in the same places."""
    cylinder = np.repeat(draw_ball((41, 41, 1), (1.0, 1.0, 1.0), 12), 41, axis=2)
    changed = perturb(cylinder, 2.0, 0, (1.0, 1.0, 1.0)) ^ cylinder
    both = np.count_nonzero(changed[..., 1:] & changed[..., :-1])
    assert both / np.count_nonzero(changed[..., 1:]) > 0.8


def test_any_topology_is_followed() -> None:
    """A hollow ball at the border, and a single voxel."""
    mask = draw_ball((41, 41, 41), (1.0, 1.0, 1.0), 19) & ~draw_ball((41, 41, 41), (1.0, 1.0, 1.0), 9)
    mask = mask[20:].copy()
    mask[-1, 0, 0] = True
    perturbed = perturb(mask, 1.0, 0, (1.0, 1.0, 1.0))
    assert perturbed.shape == mask.shape
    assert not perturbed[0, 20, 20]
    assert 0.8 < np.count_nonzero(perturbed) / np.count_nonzero(mask) < 1.25


@pytest.mark.parametrize("value", [False, True])
def test_a_mask_without_a_surface_stays_as_it_is(value: bool) -> None:
    mask = np.full((5, 6, 7), value)
    assert np.array_equal(perturb(mask, 2.0, 0), mask)


def test_an_image_is_refused() -> None:
    with pytest.raises(InputError, match=r"3D masks, got shape \(5, 5\).*leave out volumetric"):
        perturb(np.ones((5, 5), np.bool_), 1.0, 0)
