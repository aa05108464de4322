"""Polygon errors: few vertices are left of each contour."""

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, label

from overread.errors import SettingsError
from overread.labels.perturb.polygon import PolygonRecord, apply_polygon, reduce_contour, sample_polygon
from overread.labels.settings import PerturbationSettings
from overread.types import Mask

SQUARE = np.array(
    [(0, y) for y in range(8)]
    + [(x, 8) for x in range(8)]
    + [(8, 8 - y) for y in range(8)]
    + [(8 - x, 0) for x in range(8)]
)
"""32 points around a square with a side of 8."""
SPLIT_SQUARE = np.array([(i, i) for i in range(5)] + [(4, y) for y in (3, 2, 1, 0)] + [(x, 0) for x in (3, 2, 1)])
"""Half a square: its diagonal is 4√2 long, each of its sides 4."""


def draw_disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> Mask:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.asarray((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2)


def perturb(mask: Mask, vertices: int, seed: int, *, smooth: bool = False) -> Mask:
    return apply_polygon(mask, PolygonRecord(vertices=vertices, smooth=smooth, seed=seed))


class TestVertices:
    @pytest.mark.parametrize(
        ("start", "corners"),
        [
            (0.0, [(0, 0), (0, 8), (8, 8), (8, 0)]),
            (0.125, [(0, 4), (4, 8), (8, 4), (4, 0)]),
            (0.99, [(0, 0), (0, 8), (8, 8), (8, 0)]),  # 0.32 before the corners
            (0.98, [(0, 7), (7, 8), (8, 1), (1, 0)]),  # 0.64 before the corners
        ],
    )
    def test_are_the_nearest_points_to_places_spread_evenly_from_the_start(
        self, start: float, corners: list[tuple[int, int]]
    ) -> None:
        found = reduce_contour(SQUARE, vertices=4, smooth=False, start=start)
        assert sorted(map(tuple, found)) == sorted(corners)

    def test_are_spread_by_arc_length(self) -> None:
        """Places 0, 3.41, 6.83 and 10.24 of 13.66; by count they would be points 0, 3, 6 and 9."""
        found = reduce_contour(SPLIT_SQUARE, vertices=4, smooth=False, start=0.0)
        assert found.tolist() == SPLIT_SQUARE[[0, 2, 5, 9]].tolist()

    def test_of_a_contour_with_no_more_points_are_all_of_them(self) -> None:
        for smooth in (False, True):
            assert reduce_contour(SQUARE, vertices=32, smooth=smooth, start=0.3).tolist() == SQUARE.tolist()

    def test_lie_on_the_smooth_curve(self) -> None:
        corners = reduce_contour(SQUARE, vertices=5, smooth=False, start=0.3)
        curve = reduce_contour(SQUARE, vertices=5, smooth=True, start=0.3)
        distances = np.linalg.norm(curve[:, np.newaxis] - corners, axis=2).min(axis=0)
        assert distances == pytest.approx(np.zeros(5), abs=1e-9)

    def test_are_joined_by_a_curve_that_follows_a_circle(self) -> None:
        """Seven chords would pass R·(1 - cos(π/7)) = 9.9 inside."""
        angles = np.arange(800) * 2 * np.pi / 800
        circle = np.column_stack([np.cos(angles), np.sin(angles)]) * 100
        curve = reduce_contour(circle, vertices=7, smooth=True, start=0.2)
        assert np.hypot(*curve.T) == pytest.approx(np.full(len(curve), 100), abs=0.5)

    def test_need_settings_of_polygons(self) -> None:
        settings = PerturbationSettings(mode="choppy", strength=1.0)
        with pytest.raises(SettingsError, match=r"must have vertices.*mode choppy"):
            sample_polygon(settings, np.random.default_rng(0))


def test_a_triangle_of_a_disc_has_the_area_of_an_inscribed_one() -> None:
    """3√3/4·R² and half a voxel around it, along a perimeter of 3√3·R; as a share of the disc 0.41 at R = 100."""
    disc = draw_disc((221, 221), (110, 110), 100)
    expected = 3 * 3**0.5 / 4 * 100**2 + 3 * 3**0.5 * 100 / 2
    areas = [np.count_nonzero(perturb(disc, 3, seed)) for seed in range(10)]
    assert np.mean(areas) == pytest.approx(expected, rel=0.02)
    assert all(np.all(perturb(disc, 3, seed) <= disc) for seed in range(10))


def test_the_start_depends_on_the_seed_and_on_the_contour() -> None:
    pair = draw_disc((80, 160), (40, 40), 25) | draw_disc((80, 160), (40, 110), 25)
    first, second = perturb(pair, 3, 0), perturb(pair, 3, 1)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[:, 10:71], first[:, 80:141])
    assert label(first)[1] == 2


def test_a_smooth_curve_is_nearer_to_a_disc_than_straight_lines() -> None:
    disc = draw_disc((121, 121), (60, 60), 45)
    for vertices in (3, 7):
        straight, smooth = (np.count_nonzero(disc ^ perturb(disc, vertices, 2, smooth=on)) for on in (False, True))
        assert smooth < straight / 3


@pytest.mark.parametrize("smooth", [False, True])
def test_short_contours_stay_and_long_ones_are_reduced(smooth: bool) -> None:
    mask = np.zeros((60, 90), np.bool_)
    mask[2, 2] = True
    mask[2:4, 8:10] = True
    mask[20, 5] = mask[20, 6] = True
    disc = draw_disc((60, 90), (30, 60), 20)
    perturbed = perturb(mask | disc, 5, 3, smooth=smooth)
    assert np.array_equal(perturbed[:, :30], mask[:, :30])
    assert not np.array_equal(perturbed, mask | disc)


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("side", [1, 2, 3])
def test_a_hole_is_never_closed(side: int, smooth: bool) -> None:
    """Three points of the contour of a hole of one or four voxels leave no voxel between them."""
    mask = draw_disc((61, 61), (30, 30), 25)
    mask[30 : 30 + side, 30 : 30 + side] = False
    for seed in range(20):
        perturbed = perturb(mask, 3, seed, smooth=smooth)
        hole = binary_fill_holes(perturbed) & ~perturbed
        assert hole.any()
        assert np.all(hole[mask] <= smooth)


def test_a_hole_is_reduced_as_its_component_is() -> None:
    """Its contour runs outside of it, at 26, and belongs to the component."""
    ring = draw_disc((141, 141), (70, 70), 65) & ~draw_disc((141, 141), (70, 70), 25)
    perturbed = perturb(ring, 3, 4)
    hole = binary_fill_holes(perturbed) & ~perturbed
    expected = 3 * 3**0.5 / 4 * 26**2 - 3 * 3**0.5 * 26 / 2
    assert np.count_nonzero(hole) == pytest.approx(expected, rel=0.05)


def test_a_hole_that_reaches_out_of_its_component_adds_nothing_there() -> None:
    """The triangles of both contours of a thin ring stick out of each other."""
    disc = draw_disc((121, 121), (60, 60), 50)
    ring = disc & ~draw_disc((121, 121), (60, 60), 48)
    for seed in range(10):
        perturbed = perturb(ring, 3, seed)
        assert perturbed.any()
        assert np.all(perturbed <= disc)
        assert np.count_nonzero(perturbed) < 0.5 * np.count_nonzero(perturb(disc, 3, seed))


def test_an_island_in_a_hole_survives() -> None:
    ring = draw_disc((121, 121), (60, 60), 58) & ~draw_disc((121, 121), (60, 60), 25)
    perturbed = perturb(ring | draw_disc((121, 121), (60, 60), 8), 7, 0)
    assert perturbed[60, 60]
    assert label(perturbed)[1] == 2


def test_each_slice_of_a_volume_has_its_own_start_and_empty_ones_stay_empty() -> None:
    volume = np.repeat(draw_disc((61, 51), (30, 25), 20)[..., np.newaxis], 4, axis=2)
    volume[..., 1] = False
    perturbed = perturb(volume, 3, 0)
    assert not perturbed[..., 1].any()
    assert not np.array_equal(perturbed[..., 0], perturbed[..., 2])
    assert np.array_equal(perturbed[..., 0], perturb(volume[..., 0], 3, 0))


def test_a_smooth_curve_that_leaves_the_image_is_cut_off() -> None:
    full = np.ones((40, 50), np.bool_)
    for seed in range(5):
        perturbed = perturb(full, 4, seed, smooth=True)
        assert perturbed.shape == full.shape
        assert perturbed[20, 25]
