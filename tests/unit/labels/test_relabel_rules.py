"""What the rules settle on: thresholds, edges without a clean label, and a few clean cases."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from overread.errors import InputError, SettingsError
from overread.evaluation.overlap import compute_dice
from overread.labels.perturb.polygon import apply_polygon, sample_polygon
from overread.labels.relabel_rules.change import Flip, Growth, LeaveAlone, RuleCase
from overread.labels.relabel_rules.edge import find_outline, measure_case_gradient, measure_steepness
from overread.labels.relabel_rules.growth_grid import crop_case, list_candidates
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.rule import Evidence, SettledRule
from overread.labels.relabel_rules.select import select_rule
from overread.labels.relabelling import RelabelSettings, relabel_case
from overread.labels.settings import PerturbationSettings
from overread.study.demo.planar.look import SKIN
from overread.study.demo.planar.picture import sample_picture
from overread.types import Image, Mask
from tests.unit.labels.relabel_pictures import make_case, make_disc, make_evidence

GUARDS = RelabelGuards()


def settle(name: str, evidence: Evidence, threshold: float | None = None) -> SettledRule:
    return select_rule(name, threshold).settle(evidence, GUARDS)  # type: ignore[arg-type]


def draw_discs(*radii: float, level: float = 0.3, drawn: float = 6.0) -> tuple[list[RuleCase], list[Image], list[Mask]]:
    """Discs of these radii whose labels all have the radius `drawn`, and a network that sees the discs at `level`."""
    truths = [make_disc(48, radius) for radius in radii]
    cases = [make_case(make_disc(48, drawn), np.where(truth, level, 0.02).astype(np.float32)) for truth in truths]
    images = [gaussian_filter(truth.astype(np.float32), 1)[None] for truth in truths]
    return cases, images, truths


def draw_skin(
    vertices: int, count: int = 30, *, smooth: bool = False
) -> tuple[list[RuleCase], list[Image], list[Mask]]:
    """Skin pictures with reduced outlines, and the blurred truth, scaled down as a network does that learns them."""
    generator, noise = np.random.default_rng(0), PerturbationSettings(mode="polygon", vertices=vertices, smooth=smooth)
    cases, images, truths = [], [], []
    for _ in range(count):
        picture = sample_picture(SKIN, 64, generator)
        label = apply_polygon(picture.truth, sample_polygon(noise, generator))
        share = label.sum() / picture.truth.sum()
        seen = gaussian_filter(picture.truth.astype(np.float64), 2.5) * 0.9 * share
        cases.append(make_case(label, np.clip(seen + generator.normal(0, 0.02, seen.shape), 0, 1)))
        images.append(picture.image[None].astype(np.float32))
        truths.append(picture.truth)
    return cases, images, truths


def measure_labels(settled: SettledRule, cases: list[RuleCase], truths: list[Mask]) -> tuple[float, float]:
    """Mean Dice of the labels with the truth, before and after."""
    settings = RelabelSettings(change=settled.change)
    after = [relabel_case(case, settings).mask for case in cases]
    return tuple(  # type: ignore[return-value]
        float(np.mean([compute_dice(truth, mask) for truth, mask in zip(truths, masks, strict=True)]))
        for masks in ([case.mask for case in cases], after)
    )


@pytest.mark.parametrize(("name", "which"), [("paper", "all"), ("contradicted", "contradicted")])
def test_rules_of_uncertainty_take_the_threshold_that_is_given_or_that_of_the_maps(name, which):
    evidence = make_evidence(draw_discs(10.0)[0])
    assert settle(name, evidence, 0.1) == SettledRule(rule=name, change=Flip(threshold=0.1, which=which))
    found = settle(name, evidence).change
    assert isinstance(found, Flip)
    assert 0.02 * 0.98 < found.threshold < 0.3 * 0.7  # Between the two uncertainties that there are.


@pytest.mark.parametrize("name", ["edge", "clean"])
def test_rules_without_uncertainty_take_no_threshold(name):
    with pytest.raises(SettingsError, match="takes no threshold"):
        select_rule(name, 0.1)


def test_the_grid_has_every_way_once_and_leaving_alone_first():
    grid = list_candidates([(0.5, 0.5), (0.5, 0.8)])
    assert grid[0] == LeaveAlone()
    assert len(grid) == len(set(grid)) == 1 + 2 * 6 * 8
    assert {change.reach for change in grid[1:]} == {0.8, 1.6, 2.4000000000000004, 4.0, 6.4, None}  # type: ignore[union-attr]


def test_edge_grows_discs_to_their_edges_without_a_clean_label():
    cases, images, truths = draw_discs(*np.linspace(8, 10, 8))
    settled = settle("edge", make_evidence(cases, images))
    assert (settled.verdict, settled.uses_clean_labels, len(settled.grid)) == ("grow", False, 97)
    before, after = measure_labels(settled, cases, truths)
    assert before < 0.8
    assert after == 1.0
    best = max(settled.grid, key=lambda scored: scored.score)
    assert settled.change == best.change


@pytest.mark.parametrize(("drawn", "verdict", "told"), [(9.0, "leave alone", "do not say"), (11.0, "shrink", "five")])
def test_edge_leaves_labels_alone_that_lie_on_their_edges_or_outside(drawn, verdict, told):
    """A network that would add much is not even asked."""
    cases, images, _ = draw_discs(*[9.0] * 8, drawn=drawn)
    loud = [make_case(case.mask, np.full((48, 48), 0.9)) for case in cases]
    settled = settle("edge", make_evidence(loud, images))
    assert (settled.verdict, settled.change, settled.grid) == (verdict, LeaveAlone(), ())
    assert told in settled.remark


def test_edge_leaves_labels_alone_where_images_have_no_edges():
    cases, _, _ = draw_discs(*[9.0] * 8)
    noise = np.random.default_rng(0).normal(size=(8, 1, 48, 48)).astype(np.float32)
    settled = settle("edge", make_evidence(cases, list(noise)))
    assert settled.change == LeaveAlone()


def test_edge_repairs_triangles_of_skin_lesions():
    cases, images, truths = draw_skin(3)
    settled = settle("edge", make_evidence(cases, images))
    before, after = measure_labels(settled, cases, truths)
    assert before < 0.65
    assert after > 0.9
    repeated = settle("edge", make_evidence(cases, images))
    assert repeated == settled


def test_edge_leaves_smooth_outlines_of_skin_lesions_alone():
    cases, images, _ = draw_skin(7, smooth=True)
    assert settle("edge", make_evidence(cases, images)).change == LeaveAlone()


def test_edge_says_so_where_there_is_no_label_to_look_at():
    empty = make_case(np.zeros((48, 48), np.bool_), np.full((48, 48), 0.3))
    with pytest.raises(InputError, match="a mask with foreground"):
        settle("edge", make_evidence([empty], [np.zeros((1, 48, 48), np.float32)]))


def test_edge_repairs_volumes_slice_by_slice():
    """Slices are 4 mm apart: what is grown stays in the slices that are drawn, though the network sees it in all."""
    truth, drawn = (
        np.stack([make_disc(32, radius) & on for on in (False, True, True, False)], -1) for radius in (8, 5)
    )
    probability = np.where(truth.any(axis=-1)[..., None], 0.3, 0.02) * np.ones((1, 1, 4))
    case = make_case(drawn, probability, (1.0, 1.0, 4.0))
    image = np.stack([gaussian_filter(plane.astype(np.float32), 1) for plane in np.moveaxis(truth, -1, 0)], -1)[None]
    settled = settle("edge", make_evidence([case] * 4, [image] * 4))
    assert settled.change == Growth(how="grow", reach=3.0, level=0.05)
    grown = settled.change.propose(case)
    assert not (grown & ~truth).any()
    assert compute_dice(truth, grown) > 0.95  # Where rounding puts borders more than 3 apart, voxels are missing.


def test_the_outline_is_outermost_in_the_plane_and_not_at_the_frame():
    mask = np.zeros((6, 6), np.bool_)
    mask[0:4, 1:5] = True
    inside = np.zeros((6, 6), np.bool_)
    inside[0:3, 2:4] = True
    assert np.array_equal(find_outline(mask), mask & ~inside)
    assert not find_outline(np.ones((4, 4, 2), np.bool_)).any()
    deep = np.zeros((5, 5, 3), np.bool_)
    deep[1:4, 1:4, 1] = True
    assert find_outline(deep).sum() == 8


def test_steepness_is_the_mean_gradient_along_the_outline():
    mask, gradient = make_disc(9, 2), np.zeros((9, 9))
    assert measure_steepness(mask & False, gradient + 1) == 0
    gradient[find_outline(mask)] = np.arange(find_outline(mask).sum())
    assert measure_steepness(mask, gradient) == pytest.approx((find_outline(mask).sum() - 1) / 2)


def test_the_scale_of_an_image_does_not_matter_to_its_gradient():
    image = np.random.default_rng(1).normal(size=(2, 12, 12)).astype(np.float32)
    scaled = image * np.array([7.0, 0.2], np.float32)[:, None, None]
    assert measure_case_gradient(scaled, (1, 1)) == pytest.approx(measure_case_gradient(image, (1, 1)), rel=1e-4)


def test_clean_takes_the_change_with_the_best_dice_and_says_whose_labels_it_saw():
    cases, images, truths = draw_discs(*np.linspace(8, 10, 8))
    settled = settle("clean", make_evidence(cases, images, truths[:5]))
    assert settled.clean_case_ids == ("case00", "case01", "case02", "case03", "case04")
    assert settled.remark == ""
    assert max(scored.score for scored in settled.grid) == 1.0
    # Nothing reaches the voxels of the smallest level first: of equal changes the first of the grid is taken.
    assert settled.change == Growth(how="grow", reach=5.0, level=0.05)
    assert measure_labels(settled, cases, truths)[1] == 1.0


def test_clean_leaves_labels_alone_where_nothing_is_better():
    """The labels are right, and the network sees larger discs."""
    cases, images, _ = draw_discs(*[9.0] * 5)
    settled = settle("clean", make_evidence(cases, images, [case.mask for case in cases]))
    assert settled.change == LeaveAlone()
    assert settled.grid[0].score == 1.0
    assert settled.uses_clean_labels


def test_clean_takes_few_cases_with_a_remark_and_none_not_at_all():
    cases, images, truths = draw_discs(8.0, 9.0)
    assert "chosen by 2 clean cases" in settle("clean", make_evidence(cases, images, truths)).remark
    with pytest.raises(InputError, match="needs cases with clean labels"):
        settle("clean", make_evidence(cases, images))


def test_candidates_are_scored_as_the_limits_leave_them():
    """Discs of 16 times the label may not be drawn, so that growing within two pixels is best."""
    cases, images, truths = draw_discs(*[20.0] * 5, drawn=5.0)
    settled = settle("clean", make_evidence(cases, images, truths))
    assert isinstance(settled.change, Growth)
    assert settled.change.reach == 5.0
    free = select_rule("clean").settle(make_evidence(cases, images, truths), RelabelGuards(most_growth=100))
    assert free.change == Growth(how="grow", reach=None, level=0.05)


def test_the_part_that_is_scored_holds_all_that_can_change():
    case = make_case(make_disc(48, 4), np.where(make_disc(48, 6), 0.06, 0.04).astype(np.float32))
    part, box = crop_case(case)
    assert part.mask.shape == (14, 14)  # A disc of 12 pixels, and one around it.
    assert part.mask.sum() == case.mask.sum()
    for change in list_candidates([(1.0, 1.0)]):
        whole = change.propose(case)
        assert np.array_equal(change.propose(part), whole[box])
        assert whole.sum() == whole[box].sum()
    silent = make_case(np.zeros((5, 6), np.bool_), np.zeros((5, 6)))
    assert crop_case(silent)[0].mask.shape == (5, 6)
