"""Who drew which mask, and the permutations of the shuffled baseline."""

from collections import Counter
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from overread.questions.rater_bias.classifier_masks import DrawnMask, apply_shifts, read_drawn_masks, sample_shifts
from overread.study.rasters import write_mask
from overread.study.working_cases import WorkingCase
from tests.studies import write_squares


def make_mask(case_id: str, source: int) -> DrawnMask:
    mask = np.zeros((6, 6), np.bool_)
    mask[1:5, 1:5] = True
    return DrawnMask(WorkingCase(case_id, np.zeros((1, 6, 6), np.float32), mask), source, source, "ann")


def test_the_outline_is_the_rim_of_the_mask() -> None:
    """The rim of a square of 4 is 12 voxels, all but its inner 2 × 2."""
    mask = make_mask("c", 0)
    rim = mask.case.mask.copy()
    rim[2:4, 2:4] = False
    assert mask.outline.tolist() == np.flatnonzero(rim).tolist()


def test_masks_are_read_with_their_source_and_one_image_per_case(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study", case_count=2)
    label_sets = {source: study.labels(source) for source in ("ann", "ben")}
    masks = read_drawn_masks(study, label_sets, study.case_ids, sources=["ben", "ann"])
    found = [(mask.case.case_id, mask.name, mask.source, mask.label) for mask in masks]
    assert found == [
        ("case00", "ben", 0, 0),
        ("case00", "ann", 1, 1),
        ("case01", "ben", 0, 0),
        ("case01", "ann", 1, 1),
    ]
    assert masks[0].case.image is masks[1].case.image
    np.testing.assert_array_equal(masks[0].case.mask, study.labels("ben").read("case00"))


def test_missing_and_empty_masks_are_left_out(tmp_path: Path) -> None:
    study = write_squares(tmp_path / "study", case_count=3)
    study.labels("ann").path("case00").unlink()
    write_mask(study.labels("ben").path("case01"), np.zeros((24, 24), np.bool_), None)
    label_sets = {source: study.labels(source) for source in ("ann", "ben")}
    masks = read_drawn_masks(study, label_sets, study.case_ids, sources=["ann", "ben"])
    found = [(mask.case.case_id, mask.name) for mask in masks]
    assert found == [("case00", "ben"), ("case01", "ann"), ("case02", "ann"), ("case02", "ben")]


@given(case_count=st.integers(1, 12), source_count=st.integers(2, 5), seed=st.integers(0, 2**32))
def test_permutations_are_given_to_equally_many_cases(case_count: int, source_count: int, seed: int) -> None:
    case_ids = [f"case{index}" for index in range(case_count)]
    shifts = sample_shifts(case_ids, source_count, np.random.default_rng(seed))
    counts = Counter(shifts.values())
    assert set(shifts) == set(case_ids)
    assert set(counts) <= set(range(source_count))
    assert max(counts.values()) - min(counts[shift] for shift in range(source_count)) <= 1


def test_each_case_permutes_its_sources_and_keeps_who_drew() -> None:
    masks = [make_mask(case_id, source) for case_id in ("a", "b") for source in range(3)]
    found = apply_shifts(masks, {"a": 0, "b": 2}, source_count=3)
    assert [mask.label for mask in found] == [0, 1, 2, 2, 0, 1]
    assert [mask.source for mask in found] == [0, 1, 2, 0, 1, 2]
