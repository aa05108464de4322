"""The strength whose expected Dice is the wanted one."""

import numpy as np
import pytest

from overread.errors import InputError, SettingsError
from overread.evaluation.overlap import compute_dice
from overread.labels.perturbation import Cases, apply_perturbation, calibrate_strength, restore_perturbation
from overread.labels.settings import VariantSettings, parse_variant
from overread.labels.slices import sample_slices
from overread.types import Mask

SPACING = (1.0, 1.0, 2.0)


def draw_ellipse(shape: tuple[int, int], seed: int) -> Mask:
    generator = np.random.default_rng(seed)
    axes = np.ogrid[: shape[0], : shape[1]]
    squares = (
        ((axis - size * generator.uniform(0.4, 0.6)) / (size * generator.uniform(0.2, 0.35))) ** 2
        for axis, size in zip(axes, shape, strict=True)
    )
    return np.asarray(sum(squares) <= 1)


def make_images(count: int = 12, shape: tuple[int, int] = (64, 80)) -> list[tuple[str, Mask, tuple[float, ...]]]:
    return [(f"case{index:02d}", draw_ellipse(shape, index), (1.0, 1.0)) for index in range(count)]


def make_volumes(count: int = 4) -> list[tuple[str, Mask, tuple[float, ...]]]:
    """Volumes of ellipses in slices 3 to 12 of 16."""
    cases = []
    for index in range(count):
        mask = np.zeros((48, 40, 16), np.bool_)
        mask[..., 3:13] = draw_ellipse((48, 40), index)[..., np.newaxis]
        cases.append((f"case{index:02d}", mask, SPACING))
    return cases


def measure_mean_dice(cases: Cases, variant: VariantSettings, strength: float, draws: int) -> float:
    """Mean over cases and draws of the Dice of whole cases, by filling voxels."""
    perturbation = variant.to_perturbation(strength)
    return float(
        np.mean(
            [
                compute_dice(mask, apply_perturbation(mask, restore_perturbation(perturbation, seed), spacing))
                for index, (_, mask, spacing) in enumerate(cases)
                for seed in range(index * draws, (index + 1) * draws)
            ]
        )
    )


@pytest.mark.parametrize("name", ["natural-0.90", "choppy-0.90", "choppy-axis0-0.80", "random-0.85"])
def test_the_strength_leaves_the_wanted_dice_of_images(name: str) -> None:
    variant, cases = parse_variant(name), make_images()
    found = calibrate_strength(cases, variant)
    assert found.slice_count == 12
    assert found.dice == pytest.approx(variant.dice, abs=0.002)
    assert measure_mean_dice(cases, variant, found.strength, 30) == pytest.approx(variant.dice, abs=0.007)


@pytest.mark.parametrize(
    ("name", "slice_count"),
    [
        ("natural-0.90", 40),
        ("natural-3d-0.90", 40),
        ("natural-3d-0.60", 40),
        ("choppy-0.90", 40),
        ("choppy-axis2-0.80", None),
        ("random-0.90", 40),
        ("random-3d-0.90", 40),
    ],
)
def test_the_strength_leaves_the_wanted_dice_of_volumes(name: str, slice_count: int | None) -> None:
    """Runs along the last axis are calibrated on planes that hold them, not on the 40 slices.

    The Dice of one natural-3d ellipsoid varies by 0.05, so the mean over 80 of them is known to 0.01 only.
    """
    variant, cases = parse_variant(name), make_volumes()
    found = calibrate_strength(cases, variant)
    assert slice_count is None or found.slice_count == slice_count
    assert found.dice == pytest.approx(variant.dice, abs=0.002)
    assert measure_mean_dice(cases, variant, found.strength, 20) == pytest.approx(variant.dice, abs=0.02)


@pytest.mark.parametrize("mode", ["natural", "choppy", "random"])
def test_a_lower_dice_takes_a_greater_strength(mode: str) -> None:
    found = [calibrate_strength(make_images(), VariantSettings(mode=mode, dice=dice)) for dice in (0.95, 0.85)]
    assert found[0].strength < found[1].strength


def test_random_errors_have_a_closed_form() -> None:
    assert calibrate_strength(make_images(), parse_variant("random-0.85")).strength == 0.15


def test_equal_runs_lose_what_can_be_derived_by_hand() -> None:
    """Runs of 100 voxels in rows of 200, at a strength small against them.

    Each end moves by s·√(2/π) on average, half of it inwards. Of 100 + 100 voxels of both masks as many are not common
    as the ends move, so that 1 - Dice = 2 · s·√(2/π) / 200, and 0.96 takes s = 4·√(π/2).
    """
    mask = np.zeros((400, 200), np.bool_)
    mask[:, 50:150] = True
    found = calibrate_strength([("a", mask, (1.0, 1.0))], parse_variant("choppy-0.96"))
    assert found.strength == pytest.approx(4 * (np.pi / 2) ** 0.5, rel=0.02)


@pytest.mark.parametrize("name", ["natural-3d-0.90", "choppy-0.90"])
def test_the_same_seed_gives_the_same_strength_in_any_order_of_the_cases(name: str) -> None:
    cases, variant = make_volumes(), parse_variant(name)
    first, turned = calibrate_strength(cases, variant), calibrate_strength(cases[::-1], variant)
    assert turned.strength == pytest.approx(first.strength, rel=1e-9)
    other = calibrate_strength(cases, parse_variant(f"{name}-seed1"))
    assert other.strength != first.strength
    assert other.strength == pytest.approx(first.strength, rel=0.15)


@pytest.mark.parametrize("name", ["natural-3d-0.90", "choppy-0.90", "random-0.90"])
def test_cases_may_come_from_an_iterator_and_empty_ones_do_not_count(name: str) -> None:
    cases, variant = make_volumes(), parse_variant(name)
    empty = ("empty", np.zeros((48, 40, 16), np.bool_), SPACING)
    assert calibrate_strength(iter([empty, *cases]), variant) == calibrate_strength(cases, variant)


def test_the_cases_weigh_the_same_however_many_slices_they_have() -> None:
    """A case of twenty slices that lose less than a tenth, and one of a single slice that loses more."""
    thick = np.zeros((20, 60, 20), np.bool_)
    thick[:, 10:50] = True
    thin = np.zeros((20, 60, 20), np.bool_)
    thin[:, 28:32, 7] = True
    variant = VariantSettings(mode="choppy", dice=0.8, axis=1)
    found = calibrate_strength([("thick", thick, SPACING), ("thin", thin, SPACING)], variant)
    dice = [measure_mean_dice([("", mask, SPACING)], variant, found.strength, 200) for mask in (thick, thin)]
    assert dice[0] > 0.9 > 0.75 > dice[1]
    assert np.mean(dice) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("name", ["natural-0.90", "choppy-0.90", "random-0.90", "natural-3d-0.90"])
def test_masks_without_foreground_are_refused(name: str) -> None:
    cases = [("a", np.zeros((6, 6, 6), np.bool_), SPACING)]
    with pytest.raises(InputError, match=rf"mask with foreground.*variant {name} of source 'ann'"):
        calibrate_strength(cases, parse_variant(name), source="ann")


def test_a_dice_that_random_errors_cannot_leave_is_refused_with_what_they_can() -> None:
    """Three quarters are foreground, so at most a third of it can be flipped."""
    mask = np.zeros((8, 8), np.bool_)
    mask[:6] = True
    with pytest.raises(SettingsError, match=r"0\.5; variant random-0\.50 of source 'ann'.*\[0\.667, 1\.000\]"):
        calibrate_strength([("a", mask, (1.0, 1.0))], parse_variant("random-0.50"), source="ann")


def test_a_dice_that_choppy_errors_cannot_leave_is_refused_with_what_they_can() -> None:
    """Single rows of 4 voxels that are full: a quarter of the runs at most vanishes, the others stay within the row."""
    mask = np.ones((50, 4), np.bool_)
    with pytest.raises(SettingsError, match=r"0\.01; variant choppy-0\.01.*reachable: \[0\.\d+, 1\.000\]"):
        calibrate_strength([("a", mask, (1.0, 1.0))], parse_variant("choppy-0.01"))


class TestSlices:
    def test_are_drawn_from_all_cases_and_kept_whole(self) -> None:
        stacks = [(case_id, np.moveaxis(mask, -1, 0)) for case_id, mask, _ in make_volumes()]
        drawn = sample_slices(stacks, most=15, seed=0)
        assert len(drawn) == 15
        assert len({(item.case_id, item.index) for item in drawn}) == 15
        chosen = {case_id: {item.index for item in drawn if item.case_id == case_id} for case_id, _ in stacks}
        assert len({frozenset(indices) for indices in chosen.values()}) == len(stacks)
        known = dict(stacks)
        for item in drawn:
            assert 3 <= item.index < 13
            assert np.array_equal(item.unpack(), known[item.case_id][item.index])

    def test_are_all_taken_if_there_are_few(self) -> None:
        stacks = [(case_id, np.moveaxis(mask, -1, 0)) for case_id, mask, _ in make_volumes()]
        assert len(sample_slices(stacks, most=1000, seed=0)) == 40

    def test_do_not_depend_on_the_order_of_the_cases_but_on_the_seed(self) -> None:
        stacks = [(case_id, np.moveaxis(mask, -1, 0)) for case_id, mask, _ in make_volumes()]

        def names(order: list[tuple[str, Mask]], seed: int) -> list[tuple[str, int]]:
            return [(item.case_id, item.index) for item in sample_slices(order, most=15, seed=seed)]

        assert names(stacks, 0) == names(stacks[::-1], 0) != names(stacks, 1)
