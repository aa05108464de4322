"""What a human should look at, in which order."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from overread.labels.relabel_rules.change import RuleCase
from overread.labels.relabelling import relabel_case
from overread.questions.relabel.review import CaseReview, rank_reviews, review_case, suggest_limit
from overread.questions.relabel.review_regions import (
    FoundRegions,
    Region,
    ReviewSettings,
    find_questioned,
    find_regions,
)
from overread.questions.relabel.review_tables import write_review_tables
from overread.types import Mask
from tests.relabel_rules import flip

EVERYTHING = ReviewSettings(smallest_region=1, most_regions=1000)


def make_block() -> Mask:
    """A block of 4 × 4 voxels in 8 × 10."""
    mask = np.zeros((8, 10), np.bool_)
    mask[2:6, 2:6] = True
    return mask


def make_map(**values: float) -> NDArray[np.float32]:
    """Uncertainty 0.01 but for the block's left column (`left`) and a spot of 2 × 3 voxels right of it (`spot`)."""
    uncertainty = np.full((8, 10), 0.01, np.float32)
    uncertainty[2:6, 2] = values.get("left", 0.01)
    uncertainty[3:5, 7:10] = values.get("spot", 0.01)
    return uncertainty


def review(
    case_id: str, mask: Mask, uncertainty: NDArray[np.float32], *, largest_change: float | None = 0.5, **listing: int
) -> CaseReview:
    proposal = relabel_case(RuleCase(mask, uncertainty, None, (2.0, 3.0)), flip(largest_change=largest_change))
    return review_case(
        case_id,
        mask,
        proposal,
        uncertainty,
        threshold=0.1,
        spacing=(2.0, 3.0),
        settings=ReviewSettings(**{"smallest_region": 1, **listing}),
    )


def make_region(*, mean: float, count: int, changed: int) -> Region:
    return Region((0, 0), (0, count - 1), count, float(count), mean, mean, changed, "added")


def make_review(case_id: str, mean: float, *regions: Region, is_kept: bool = False) -> CaseReview:
    return CaseReview(case_id, is_kept, mean, 0.0, 0.0, 0, 0.0, FoundRegions(regions, len(regions)))


def test_a_case_is_divided_into_its_regions():
    uncertainty = make_map(left=0.2, spot=0.15)
    uncertainty[2, 2] = 0.24
    found = review("a", make_block(), uncertainty).regions
    assert found.count == 2
    spot, left = found.listed  # 6 × 0.15 = 0.9 is more than 0.24 + 3 × 0.2 = 0.84.
    assert (spot.first_index, spot.last_index, spot.direction) == ((3, 7), (4, 9), "added")
    assert (spot.voxel_count, spot.load, spot.changed_count, spot.changed_share) == (6, 36.0, 6, 1.0)
    assert (left.first_index, left.last_index, left.direction) == ((2, 2), (5, 2), "removed")
    assert (left.voxel_count, left.load) == (4, 24.0)
    assert left.mean_uncertainty == pytest.approx(0.21)
    assert left.highest_uncertainty == pytest.approx(0.24)
    assert left.cumulative_uncertainty == pytest.approx(0.84)
    assert left.box == (slice(2, 6), slice(2, 3))


def test_the_load_of_a_volume_is_in_millilitres():
    mask = np.zeros((4, 4, 4), np.bool_)
    uncertainty = np.zeros((4, 4, 4), np.float32)
    uncertainty[1, 1, 1:3] = 0.2
    found = find_regions(mask, uncertainty > 0, uncertainty, threshold=0.1, spacing=(10, 5, 2), settings=EVERYTHING)
    assert found.listed[0].load == pytest.approx(0.2)
    assert (found.listed[0].first_index, found.listed[0].last_index) == ((1, 1, 1), (1, 1, 2))


def test_voxels_that_share_a_corner_are_one_region():
    uncertainty = np.zeros((4, 4, 4), np.float32)
    uncertainty[(0, 1, 2), (0, 1, 2), (0, 1, 2)] = 0.2
    empty = np.zeros((4, 4, 4), np.bool_)
    found = find_regions(empty, uncertainty > 0, uncertainty, threshold=0.1, spacing=(1, 1, 1), settings=EVERYTHING)
    assert [region.voxel_count for region in found.listed] == [3]


def test_a_region_that_gains_and_loses_voxels_is_mixed():
    uncertainty = make_map()
    uncertainty[2:6, 5:7] = 0.2
    (region,) = review("a", make_block(), uncertainty).regions.listed
    assert (region.direction, region.changed_count) == ("mixed", 8)


def test_an_uncertain_voxel_that_hole_filling_restores_is_listed_without_change():
    uncertainty = make_map()
    uncertainty[3, 3] = 0.2
    found = review("a", make_block(), uncertainty)
    assert found.changed_count == 0
    assert [(region.direction, region.changed_share) for region in found.regions.listed] == [("none", 0.0)]


def test_a_certain_voxel_that_hole_filling_changes_is_part_of_its_region():
    ring = make_block()
    ring[3:5, 3:5] = False
    ring[2, 3] = False  # An opening, so that the inside is no hole until it is closed.
    uncertainty = make_map()
    uncertainty[2, 3] = 0.2
    (region,) = review("a", ring, uncertainty).regions.listed
    assert (region.voxel_count, region.changed_count, region.direction) == (5, 5, "added")
    assert region.mean_uncertainty == pytest.approx((0.2 + 4 * 0.01) / 5)


def test_small_and_many_regions_are_counted_but_not_listed():
    uncertainty = np.zeros((8, 10), np.float32)
    uncertainty[0, 0] = uncertainty[2, 0:2] = uncertainty[4, 0:3] = uncertainty[6, 0:4] = 0.2
    found = review("a", make_block() & False, uncertainty, smallest_region=2, most_regions=2).regions
    assert [region.voxel_count for region in found.listed] == [4, 3]
    assert found.count == 4


def test_the_mean_uncertainty_is_over_the_label_and_the_uncertain_voxels():
    # 16 labelled voxels, 4 of them at 0.2 and 12 at 0.01, and 6 others at 0.15.
    found = review("a", make_block(), make_map(left=0.2, spot=0.15))
    assert found.mean_uncertainty == pytest.approx((4 * 0.2 + 12 * 0.01 + 6 * 0.15) / 22)
    assert found.cumulative_uncertainty == pytest.approx(4 * 0.2 + 6 * 0.15 + 70 * 0.01, rel=1e-5)


def test_the_disagreement_is_that_of_label_and_proposal_also_where_the_label_is_left_alone():
    # The proposal loses 4 and gains 6 of 16: 2 · 12 / (16 + 18) in common.
    for limit, is_kept in ((0.7, False), (0.6, True)):
        found = review("a", make_block(), make_map(left=0.2, spot=0.15), largest_change=limit)
        assert found.is_kept is is_kept
        assert (found.changed_count, found.changed_share) == (10, 10 / 16)
        assert found.disagreement == pytest.approx(1 - 24 / 34)


def test_an_empty_label_without_uncertain_voxels_leaves_nothing_to_look_at():
    found = review("a", make_block() & False, make_map())
    assert (found.mean_uncertainty, found.disagreement, found.regions.count) == (0, 0, 0)


def test_an_empty_label_that_would_gain_voxels_is_left_alone_under_any_limit():
    empty = make_block() & False
    found = review("a", empty, make_map(spot=0.15), largest_change=1e9)
    assert found.is_kept
    assert math.isinf(found.changed_share)
    assert review("a", empty, make_map(spot=0.15), largest_change=None).is_kept


def test_cases_left_alone_come_first_and_then_the_most_uncertain():
    means = {"a": 0.1, "b": 0.2, "c": 0.1, "d": 0.05, "e": 0.01}
    ranked = rank_reviews(make_review(name, mean, is_kept=name in "de") for name, mean in means.items())
    assert [case.case_id for case in ranked.cases] == ["d", "e", "b", "a", "c"]


def test_regions_have_a_place_in_their_case_and_among_all():
    doubtful, changed, small = (
        make_region(mean=0.2, count=10, changed=2),
        make_region(mean=0.1, count=15, changed=15),
        make_region(mean=0.2, count=5, changed=5),
    )
    ranked = rank_reviews([make_review("a", 0.1, small), make_review("b", 0.2, doubtful, changed)])
    # Cumulative uncertainties: b 2.0 and 1.5, a 1.0. Changed voxels: b 2 and 15, a 5.
    found = [(r.case_id, r.rank, r.uncertainty_rank, r.disagreement_rank) for r in ranked.regions]
    assert found == [("b", 1, 1, 3), ("b", 2, 2, 1), ("a", 1, 3, 2)]
    assert [region.region for region in ranked.select_regions("b")] == [doubtful, changed]


def test_a_suggested_limit_is_beyond_what_was_refused():
    for share in (0.5, 0.504, 0.505, 1.989):
        assert float(suggest_limit("change", 1.2, share).removeprefix("--largest-change ")) > share
        assert float(suggest_limit("growth", 4 + share, 4).removeprefix("--most-growth ")) > 4 + share
    assert suggest_limit("growth", math.inf, math.inf) == suggest_limit("empty", 0.0, 1.0) == ""


def test_tables_hold_cases_and_regions_in_order(tmp_path):
    cases = [review("a", make_block(), make_map(left=0.2)), review("b", make_block() & False, make_map(spot=0.15))]
    write_review_tables(tmp_path / "new", rank_reviews(cases), dimensions=2, load_unit="mm²")
    # Case a: 4 × 0.2 + 12 × 0.01 over 16 voxels; 1 - 2·12/28 of disagreement; 0.8 + 76 × 0.01 in all.
    assert (tmp_path / "new" / "cases.csv").read_text() == (
        "rank,case_id,is_kept,mean_uncertainty,cumulative_uncertainty,disagreement,changed_count,changed_share,"
        "region_count,listed_region_count\n"
        "1,b,true,0.15,1.64,1,6,inf,1,1\n"
        "2,a,false,0.0575,1.56,0.142857,4,0.25,1,1\n"
    )
    assert (tmp_path / "new" / "regions.csv").read_text() == (
        "case_id,rank,uncertainty_rank,disagreement_rank,first_y,last_y,first_x,last_x,voxel_count,load_mm2,"
        "mean_uncertainty,highest_uncertainty,cumulative_uncertainty,changed_share,direction\n"
        "b,1,1,1,3,4,7,9,6,36,0.15,0.15,0.9,1,added\n"
        "a,1,2,2,2,5,2,2,4,24,0.2,0.2,0.8,1,removed\n"
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shape=st.sampled_from([(9, 7), (5, 6, 4)]), limit=st.sampled_from([0.2, 5.0]))
def test_regions_divide_all_that_changes_or_is_uncertain(seed, shape, limit):
    generator = np.random.default_rng(seed)
    mask = generator.random(shape) < 0.4
    uncertainty = (0.25 * generator.random(shape) ** 3).astype(np.float32)
    spacing = (1.0,) * len(shape)
    done = relabel_case(RuleCase(mask, uncertainty, None, spacing), flip(largest_change=limit))
    found = find_regions(mask, done.proposal, uncertainty, threshold=0.1, spacing=spacing, settings=EVERYTHING)
    questioned = find_questioned(mask, done.proposal, uncertainty, 0.1)
    assert sum(region.voxel_count for region in found.listed) == questioned.sum()
    assert sum(region.changed_count for region in found.listed) == done.changed_count
    total = sum(region.cumulative_uncertainty for region in found.listed)
    assert total == pytest.approx(uncertainty[questioned].sum(dtype=np.float64))
    sums = [region.cumulative_uncertainty for region in found.listed]
    assert sums == sorted(sums, reverse=True)
    assert np.array_equal(done.mask, mask if done.is_kept else done.proposal)
