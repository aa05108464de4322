import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.lesions import LesionCounts, match_lesions, pool_lesions
from overread.types import Mask

EMPTY = np.zeros((4, 4), np.bool_)


def draw(row: str) -> Mask:
    """A mask of one row, # for foreground."""
    return np.array([[letter == "#" for letter in row]])


def test_lesions_are_found_by_one_common_voxel_and_matched_by_more_than_half() -> None:
    reference, prediction = draw("####..##.#...."), draw(".###...###..#.")
    # Lesions of the reference: 4, 2 and 1 voxels; of the prediction: 3, 3 and 1. IoU of the first two: 3/4. The second
    # of the prediction has 1 voxel of each of the other two: 1/4 (2 + 3 - 1) and 1/3 (1 + 3 - 1).
    counts = match_lesions(reference, prediction).count()
    assert (counts.reference_count, counts.found_count) == (3, 3)
    assert (counts.prediction_count, counts.confirmed_count) == (3, 2)
    assert (counts.recall, counts.precision) == (1.0, pytest.approx(2 / 3))
    assert counts.f1 == pytest.approx(0.8)  # 2 · 1 · ⅔ / (1 + ⅔)
    assert (counts.matched_count, counts.matched_iou_sum) == (1, pytest.approx(0.75))
    assert counts.segmentation_quality == pytest.approx(0.75)
    assert counts.recognition_quality == pytest.approx(1 / 3)  # 1 / (1 + 2/2 + 2/2)
    assert counts.panoptic_quality == pytest.approx(0.25)


@pytest.mark.parametrize(("overlap", "found"), [(0.0, 3), (0.24, 3), (0.25, 2), (0.34, 1), (0.75, 0)])
def test_a_lesion_is_found_above_the_overlap_not_at_it(overlap: float, found: int) -> None:
    matching = match_lesions(draw("####..##.#...."), draw(".###...###..#."), overlap=overlap)
    assert matching.count().found_count == found


def test_half_an_overlap_is_no_match() -> None:
    assert match_lesions(draw("##"), draw("#.")).count().matched_count == 0  # IoU 1/2
    assert match_lesions(draw("###"), draw("##.")).count().matched_count == 1  # IoU 2/3


@pytest.mark.parametrize(
    ("shape", "connectivity", "count"), [((2, 2), None, 1), ((2, 2), 1, 2), ((2, 2, 2), None, 1), ((2, 2, 2), 2, 2)]
)
def test_lesions_that_touch_at_a_corner_are_one_unless_asked_otherwise(
    shape: tuple[int, ...], connectivity: int | None, count: int
) -> None:
    corners = np.zeros(shape, np.bool_)
    corners[(0,) * len(shape)] = corners[(1,) * len(shape)] = True
    assert match_lesions(corners, corners, connectivity=connectivity).count().reference_count == count


def test_empty_masks_follow_the_table() -> None:
    dot = EMPTY.copy()
    dot[1, 1] = True
    both, no_reference, no_prediction = (
        match_lesions(reference, prediction).count()
        for reference, prediction in ((EMPTY, EMPTY), (EMPTY, dot), (dot, EMPTY))
    )

    def list_figures(one: LesionCounts) -> tuple[float | None, ...]:
        return one.precision, one.recall, one.f1, one.recognition_quality, one.panoptic_quality

    assert list_figures(both) == (1.0, 1.0, 1.0, 1.0, 1.0)
    assert list_figures(no_reference) == (0.0, None, 0.0, 0.0, 0.0)
    assert list_figures(no_prediction) == (None, 0.0, 0.0, 0.0, 0.0)
    assert [one.segmentation_quality for one in (both, no_reference, no_prediction)] == [None] * 3


def test_lesions_that_miss_each_other_score_zero() -> None:
    counts = match_lesions(draw("#..."), draw("..#.")).count()
    assert (counts.precision, counts.recall, counts.f1) == (0.0, 0.0, 0.0)


def test_a_lesion_counts_where_its_own_size_puts_it() -> None:
    # Reference: 1, 2 and 4 voxels; prediction: 3 voxels on the first lesion, 1 on none, 4 on the last.
    matching = match_lesions(draw("#....##...####"), draw("###....#..####"))
    strata = matching.count_by_size([4.0, 8.0], voxel_size=2.0)  # sizes 2, 4, 8 and 6, 2, 8
    assert [(one.low, one.high) for one in strata] == [(0.0, 4.0), (4.0, 8.0), (8.0, np.inf)]
    assert [(one.reference_count, one.found_count) for one in strata] == [(1, 1), (1, 0), (1, 1)]
    assert [(one.prediction_count, one.confirmed_count) for one in strata] == [(1, 0), (1, 1), (1, 1)]
    assert [one.recall for one in strata] == [1.0, 0.0, 1.0]
    assert [one.precision for one in strata] == [0.0, 1.0, 1.0]


def test_a_stratum_without_lesions_has_no_rates() -> None:
    (low, high) = match_lesions(draw("#"), draw("#")).count_by_size([2.0])
    assert (low.recall, low.precision, high.recall, high.precision) == (1.0, 1.0, None, None)


def test_pooled_lesions_count_the_same_whichever_case_they_lie_in() -> None:
    # 1 of 1 found in the first case, 1 of 3 in the second: pooled 2 of 4, while the mean of rates is 2/3.
    pooled = pool_lesions([match_lesions(draw(a), draw(b)).count() for a, b in (("#", "#"), ("#.#.#", "#...."))])
    assert (pooled.recall, pooled.precision) == (0.5, 1.0)
    assert pooled.f1 == pytest.approx(2 / 3)
    assert pool_lesions([]).f1 == 1.0


def test_counts_survive_json() -> None:
    counts = match_lesions(draw("####"), draw(".###")).count()
    assert LesionCounts.model_validate_json(counts.model_dump_json()) == counts


@pytest.mark.parametrize("edges", [[2.0, 2.0], [0.0], [3.0, 1.0], [np.inf]])
def test_edges_that_do_not_ascend_are_refused(edges: list[float]) -> None:
    with pytest.raises(InputError, match="positive and ascend"):
        match_lesions(EMPTY, EMPTY).count_by_size(edges)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="one shape"):
        match_lesions(EMPTY, EMPTY[:2])
    with pytest.raises(InputError, match=r"\[0, 1\)"):
        match_lesions(EMPTY, EMPTY, overlap=1.0)
    with pytest.raises(InputError, match="connectivity in 1 to 2"):
        match_lesions(EMPTY, EMPTY, connectivity=3)
