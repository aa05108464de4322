"""What each change makes of a mask, and which new masks are refused; derived by hand on squares."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError, SettingsError
from overread.labels.relabel_rules.change import Flip, Growth, LeaveAlone
from overread.labels.relabel_rules.guards import RelabelGuards
from overread.labels.relabel_rules.names import settle_name, translate_earlier
from overread.labels.relabelling import RelabelSettings, relabel_case
from overread.types import Mask
from tests.unit.labels.relabel_pictures import make_case, make_disc


def make_square(first: int, last: int, side: int = 12) -> Mask:
    mask = np.zeros((side, side), np.bool_)
    mask[first : last + 1, first : last + 1] = True
    return mask


def grow(reach: float | None, level: float = 0.3, how: str = "grow") -> Growth:
    return Growth.parse({"how": how, "reach": reach, "level": level}, where="test")


# The label is the square 4 to 7; the network says 0.4 in the square 2 to 9 and 0.1 elsewhere.
LABEL = make_square(4, 7)
PREDICTION = np.where(make_square(2, 9), 0.4, 0.1).astype(np.float32)


def test_growth_adds_what_the_prediction_says_within_reach():
    case = make_case(LABEL, PREDICTION)
    within_one = LABEL.copy()
    within_one[4:8, [3, 8]] = within_one[[3, 8], 4:8] = True  # The corners are √2 away.
    assert np.array_equal(grow(1.0).propose(case), within_one)
    assert np.array_equal(grow(1.5).propose(case), make_square(3, 8))
    assert np.array_equal(grow(3.0).propose(case), make_square(2, 9))
    assert np.array_equal(grow(None).propose(case), make_square(2, 9))
    assert np.array_equal(grow(None, level=0.4).propose(case), LABEL), "a level must be exceeded"


def test_within_reach_the_prediction_decides_on_both_sides():
    silent = make_case(LABEL, np.full((12, 12), 0.1, np.float32))
    assert np.array_equal(grow(1.0, how="both").propose(silent), make_square(5, 6))
    assert not grow(None, how="both").propose(silent).any()
    assert np.array_equal(grow(1.5, how="both").propose(make_case(LABEL, PREDICTION)), make_square(3, 8))


def test_reach_is_a_length_also_across_thick_slices():
    """Slices are 5 mm apart: 3 mm reach three pixels in the plane and no other slice."""
    mask = np.zeros((9, 9, 3), np.bool_)
    mask[4, 4, 1] = True
    case = make_case(mask, np.full((9, 9, 3), 0.9, np.float32), (1.0, 1.0, 5.0))
    grown = grow(3.0).propose(case)
    assert not grown[..., [0, 2]].any()
    assert grown[..., 1].sum() == 29  # Lattice points within 3 of a point.
    assert grow(5.0).propose(case)[4, 4].all()


def test_new_holes_are_filled_and_old_ones_stay():
    ring = make_square(3, 8)
    ring[5:7, 5:7] = False
    prediction = np.where(make_square(2, 9), 0.9, 0.1).astype(np.float32)
    prediction[5:7, 5:7] = 0.1
    assert not grow(None).propose(make_case(ring, prediction))[5:7, 5:7].any()
    closed = make_square(3, 8) & ~make_square(4, 7)
    opened = closed.copy()
    opened[3, 5] = False  # The inside is no hole until the ring is closed.
    case = make_case(opened, np.where(closed, 0.9, 0.1).astype(np.float32))
    assert np.array_equal(grow(1.0).propose(case), make_square(3, 8))


def test_a_network_that_says_nothing_may_not_erase_a_mask():
    """What the rule of all contradicted voxels does to labels when the network is still empty."""
    silent = make_case(LABEL, np.full((12, 12), 0.2, np.float32))
    for change in (Flip(threshold=0.1, which="contradicted"), grow(None, how="both")):
        found = relabel_case(silent, RelabelSettings(change=change))
        assert (found.refusal, found.is_kept, found.area_ratio) == ("empty", True, 0.0)
        assert np.array_equal(found.mask, LABEL)
        assert not found.proposal.any()


def test_a_triangle_that_becomes_its_disc_is_accepted():
    """A disc is π / (3 √3 / 4) = 2.42 times its triangle; a limit of 1 on what changes would refuse it."""
    disc = make_disc(64, 20)
    rows, columns = np.indices((64, 64)) - 31.5
    triangle = disc & (rows <= 10) & (np.abs(columns) * np.sqrt(3) <= rows + 20)
    case = make_case(triangle, np.where(disc, 0.35, 0.02).astype(np.float32))
    found = relabel_case(case, RelabelSettings(change=grow(None)))
    assert found.changed_share == pytest.approx(1.42, abs=0.15)
    assert found.area_ratio == pytest.approx(2.42, abs=0.15)
    assert not found.is_kept
    assert np.array_equal(found.mask, disc)
    limited = RelabelGuards(largest_change=1.0)
    assert relabel_case(case, RelabelSettings(change=grow(None), guards=limited)).refusal == "change"


@pytest.mark.parametrize(
    ("last", "limits", "expected"),
    [
        (7, {}, ""),  # 64 of 16 labelled voxels: four times.
        (8, {}, "growth"),
        (8, {"most_growth": 5.1}, ""),
        (8, {"most_growth": 5.1, "most_of_image": 0.56}, "share of the image"),
        (8, {"most_growth": 5.1, "most_of_image": 0.57}, ""),
        (0, {}, "loss"),  # 1 of 16.
        (0, {"least_area": 0.0}, ""),
        (1, {"largest_change": 0.75}, ""),  # 12 of 16 voxels go.
        (1, {"largest_change": 0.74}, "change"),
    ],
)
def test_a_new_mask_beyond_a_limit_is_refused(last: int, limits: dict[str, float], expected: str):
    """A square of 4 × 4 in an image of 12 × 12 becomes one of `last` + 1 voxels on a side."""
    guards = RelabelGuards.parse(limits, where="test")
    assert guards.refuse(make_square(0, 3), make_square(0, last)) == expected


def test_an_empty_mask_stays_empty_and_a_large_one_may_stay_large():
    nothing, everything = np.zeros((4, 4), np.bool_), np.ones((4, 4), np.bool_)
    most = everything.copy()
    most[0] = False
    assert RelabelGuards(most_growth=1e9).refuse(nothing, most) == "growth"
    assert RelabelGuards().refuse(everything, everything) == ""
    assert RelabelGuards().refuse(everything, most) == ""


def test_a_repair_is_stopped_where_most_is_refused_or_labels_shrink_altogether():
    guards = RelabelGuards()
    assert guards.judge(["growth", "", "empty", ""], [5.0, 1.0, 0.0, 1.0]) == ""
    assert guards.judge(["growth", "", "empty"], [5.0, 1.0, 0.0]) == "2 of 3 new masks were refused, more than 50%"
    assert guards.judge(["", ""], [0.6, 0.4]) == ""
    assert guards.judge(["", "", ""], [0.6, 0.38, float("inf")]).startswith("new masks have 49% of their labels' area")
    assert guards.judge([], []) == ""


def test_what_earlier_settings_called_a_rule_is_understood():
    earlier = {"flips": "uncertain", "largest_change": 2.0, "folds": 3}
    assert translate_earlier(earlier) == {"rule": "paper", "guards": {"largest_change": 2.0}, "folds": 3}
    assert translate_earlier({"flips": "contradicted"}) == {"rule": "contradicted"}
    assert earlier["flips"] == "uncertain"


def test_auto_takes_clean_cases_where_there_are_any_and_else_edges():
    assert settle_name("auto", None, has_clean_cases=True) == "clean"
    assert settle_name("auto", None, has_clean_cases=False) == "edge"
    assert settle_name("auto", 0.1, has_clean_cases=True) == "contradicted"
    assert settle_name("paper", 0.1, has_clean_cases=True) == "paper"


def test_values_that_mean_nothing_are_refused():
    for reach, level in ((0.0, 0.3), (1.0, 0.0), (1.0, 1.0)):
        with pytest.raises(SettingsError):
            grow(reach, level)
    with pytest.raises(InputError, match="needs a probability"):
        grow(1.0).propose(replace(make_case(LABEL, PREDICTION), probability=None))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.sampled_from([(9, 7), (5, 6, 4)]),
    reach=st.sampled_from([1.0, 2.0, None]),
    level=st.sampled_from([0.1, 0.5]),
)
def test_growth_adds_and_never_removes_and_no_change_empties_a_mask(seed, shape, reach, level):
    generator = np.random.default_rng(seed)
    mask = generator.random(shape) < 0.3
    case = make_case(mask, generator.random(shape).astype(np.float32), (1.0,) * len(shape))
    assert not (mask & ~grow(reach, level).propose(case)).any()
    for change in (grow(reach, level), grow(reach, level, "both"), Flip(threshold=0.1), LeaveAlone()):
        found = relabel_case(case, RelabelSettings(change=change))
        assert found.mask.any() == mask.any()
        assert found.mask.sum() <= max(4 * mask.sum(), mask.sum())
    assert np.array_equal(LeaveAlone().propose(case), mask)
