"""What holds for perturbations of any mask."""

from itertools import pairwise

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import binary_fill_holes, label

from overread.evaluation.overlap import compute_dice
from overread.labels.perturb.polygon import PolygonRecord, apply_polygon
from overread.labels.perturb.random_flips import compute_largest_share
from overread.labels.perturbation import (
    PerturbationRecord,
    apply_perturbation,
    restore_perturbation,
    sample_perturbation,
)
from overread.labels.settings import PerturbationSettings
from overread.types import Mask, Spacing

GEOMETRIES: tuple[dict[str, object], ...] = (
    {"mode": "natural"},
    {"mode": "natural", "volumetric": True},
    {"mode": "choppy"},
    {"mode": "choppy", "axis": 0},
    {"mode": "random"},
    {"mode": "random", "volumetric": True},
)
POLYGONS: tuple[dict[str, object], ...] = (
    {"mode": "polygon", "vertices": 3},
    {"mode": "polygon", "vertices": 5, "smooth": True},
)


@st.composite
def draw_cases(draw: st.DrawFn, *, strength: float | None = None) -> tuple[Mask, PerturbationSettings, Spacing]:
    """A mask of any topology, often sparse, sometimes empty or full, and a perturbation that suits it."""
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=9))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = generator.random(shape) < draw(st.sampled_from([0.0, 0.05, 0.3, 0.7, 1.0]))
    kinds = GEOMETRIES if strength is not None else (*GEOMETRIES, *POLYGONS)
    geometry = draw(st.sampled_from([g for g in kinds if len(shape) == 3 or g != GEOMETRIES[1]]))
    if strength is None and geometry not in POLYGONS:
        strength = draw(st.floats(0, 4))
        if geometry["mode"] == "random":
            strength = strength / 4 * compute_largest_share(mask, volumetric=bool(geometry.get("volumetric")))
    settings = PerturbationSettings.parse({**geometry, "strength": strength}, where="test")
    return mask, settings, tuple(draw(st.floats(0.3, 5.0)) for _ in shape)


def sample(settings: PerturbationSettings, seed: int) -> PerturbationRecord:
    return sample_perturbation(settings, np.random.default_rng(seed))


@given(draw_cases(), st.integers(0, 9))
def test_a_new_mask_of_the_same_shape_comes_out_and_the_old_one_is_left_alone(
    case: tuple[Mask, PerturbationSettings, Spacing], seed: int
) -> None:
    mask, settings, spacing = case
    before = mask.copy()
    mask.flags.writeable = False
    perturbed = apply_perturbation(mask, sample(settings, seed), spacing)
    assert (perturbed.dtype, perturbed.shape) == (np.bool_, mask.shape)
    assert np.array_equal(mask, before)
    assert not np.shares_memory(mask, perturbed)
    assert mask.any() or not perturbed.any()


@given(draw_cases(), st.integers(0, 9))
def test_a_record_replays_bit_by_bit_also_from_json_and_on_another_memory_layout(
    case: tuple[Mask, PerturbationSettings, Spacing], seed: int
) -> None:
    mask, settings, spacing = case
    record = sample(settings, seed)
    perturbed = apply_perturbation(mask, record, spacing)
    again = type(record).model_validate_json(record.model_dump_json())
    assert np.array_equal(apply_perturbation(np.asfortranarray(mask), again, spacing), perturbed)
    wide = np.repeat(mask, 2, axis=-1)[..., ::2]
    assert np.array_equal(apply_perturbation(wide, restore_perturbation(settings, record.seed), spacing), perturbed)


@given(draw_cases(strength=0.0), st.integers(0, 9))
def test_strength_0_changes_nothing(case: tuple[Mask, PerturbationSettings, Spacing], seed: int) -> None:
    mask, settings, spacing = case
    assert np.array_equal(apply_perturbation(mask, sample(settings, seed), spacing), mask)


@given(draw_cases(strength=1e-9), st.integers(0, 9))
def test_a_strength_near_0_changes_nothing(case: tuple[Mask, PerturbationSettings, Spacing], seed: int) -> None:
    """The contours, runs and distances that are perturbed give back the mask that they came from."""
    mask, settings, spacing = case
    if settings.mode == "random" and not compute_largest_share(mask, volumetric=settings.volumetric):
        return
    assert np.array_equal(apply_perturbation(mask, sample(settings, seed), spacing), mask)


def make_bean(*, volume: bool) -> Mask:
    """A structure that is symmetric in no way, with a hole and an island."""
    rows, columns = np.ogrid[:48, :64]
    bean = ((rows - 20) / 13) ** 2 + ((columns - 28) / 20) ** 2 <= 1
    bean &= (rows - 15) ** 2 + (columns - 36) ** 2 > 16
    bean |= (rows - 40) ** 2 + (columns - 50) ** 2 <= 9
    if not volume:
        return bean
    return np.stack([np.roll(bean, shift, axis=1) & (shift < 6) for shift in range(8)], axis=-1)


def measure_dice(mask: Mask, geometry: dict[str, object], strength: float | None, seeds: range) -> np.ndarray:
    settings = PerturbationSettings.parse({**geometry, "strength": strength}, where="test")
    spacing = (1.0, 1.5, 2.0)[: mask.ndim]
    return np.array([compute_dice(mask, apply_perturbation(mask, sample(settings, seed), spacing)) for seed in seeds])


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_the_expected_dice_falls_with_the_strength(geometry: dict[str, object]) -> None:
    mask = make_bean(volume="volumetric" in geometry)
    strengths = (0.05, 0.1, 0.2, 0.4) if geometry["mode"] == "random" else (0.7, 1.5, 3.0, 6.0)
    means = [measure_dice(mask, geometry, strength, range(20)).mean() for strength in (0.0, *strengths)]
    assert all(weak > strong + 0.01 for weak, strong in pairwise(means))


@pytest.mark.parametrize("geometry", GEOMETRIES + POLYGONS, ids=str)
@pytest.mark.parametrize("change", ["flipped", "translated"])
def test_the_dice_of_a_flipped_or_translated_mask_is_distributed_alike(
    geometry: dict[str, object], change: str
) -> None:
    """Means of 60 draws each, compared by their standard errors, and standard deviations by their ratio."""
    mask = make_bean(volume="volumetric" in geometry)
    other = mask[::-1, ::-1] if change == "flipped" else np.roll(mask, (3, -4), (0, 1))
    strength = None if geometry in POLYGONS else 0.1 if geometry["mode"] == "random" else 2.0
    first, second = (measure_dice(m, geometry, strength, s) for m, s in ((mask, range(60)), (other, range(60, 120))))
    error = (first.var() / 60 + second.var() / 60) ** 0.5
    assert abs(first.mean() - second.mean()) < 4 * error
    assert 0.6 < first.std() / second.std() < 1.67


def draw_disc(radius: float, centre: tuple[float, float] = (50.0, 50.0)) -> Mask:
    rows, columns = np.ogrid[:101, :101]
    return np.asarray((rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2)


planes = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14))
seeds = st.integers(0, 2**63 - 1)


@given(planes, st.booleans(), seeds)
def test_more_vertices_than_points_change_nothing(mask: Mask, smooth: bool, seed: int) -> None:
    record = PolygonRecord(vertices=4 * mask.size + 3, smooth=smooth, seed=seed)
    assert np.array_equal(apply_polygon(mask, record), mask)


@given(planes, st.integers(3, 9), st.booleans(), seeds)
def test_polygons_leave_something_of_every_component_without_holes(
    mask: Mask, vertices: int, smooth: bool, seed: int
) -> None:
    solid = binary_fill_holes(mask)
    components, count = label(solid, np.ones((3, 3)))
    perturbed = apply_polygon(solid, PolygonRecord(vertices=vertices, smooth=smooth, seed=seed))
    assert set(range(1, count + 1)) <= set(components[perturbed].tolist())


@given(st.floats(15, 45), st.integers(3, 12), seeds)
def test_the_polygon_of_a_disc_has_the_dice_of_a_regular_one(radius: float, vertices: int, seed: int) -> None:
    """It covers the share f = k·sin(2π/k) / 2π of the disc, and half a voxel around it adds less than 1 / R."""
    disc = draw_disc(radius)
    share = vertices * np.sin(2 * np.pi / vertices) / (2 * np.pi)
    perturbed = apply_polygon(disc, PolygonRecord(vertices=vertices, seed=seed))
    assert compute_dice(disc, perturbed) == pytest.approx(2 * share / (1 + share), abs=1 / radius)


@given(st.floats(25, 45), st.booleans(), seeds)
def test_the_polygon_of_a_disc_approaches_it_with_more_vertices(radius: float, smooth: bool, seed: int) -> None:
    disc = draw_disc(radius)
    found = [apply_polygon(disc, PolygonRecord(vertices=k, smooth=smooth, seed=seed)) for k in (3, 24)]
    few, many = (compute_dice(disc, perturbed) for perturbed in found)
    assert few < many
    assert many > 0.97


@given(st.floats(1, 14), st.integers(3, 9), st.booleans(), seeds)
def test_a_hole_stays_a_hole(radius: float, vertices: int, smooth: bool, seed: int) -> None:
    ring = draw_disc(48) & ~draw_disc(radius)
    perturbed = apply_polygon(ring, PolygonRecord(vertices=vertices, smooth=smooth, seed=seed))
    hole = binary_fill_holes(perturbed) & ~perturbed
    assert hole.any()
    assert np.all(hole <= draw_disc(radius + 2))
