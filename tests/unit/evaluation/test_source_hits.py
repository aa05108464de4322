"""Hit rates and curves of a source classifier, by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import InputError
from overread.evaluation.roc import compute_auc, compute_roc
from overread.questions.rater_bias.classification_results import HIT_COLUMNS
from overread.questions.rater_bias.source_hits import (
    PATCH_COLUMNS,
    compute_growth,
    compute_rocs,
    count_hits,
    name_probability,
    read_hits,
    read_patches,
    summarise_hits,
    write_table,
)

SOURCES = ("ann", "ben")


def make_patches(*rows: tuple[str, str, str, bool, float]) -> pd.DataFrame:
    """One row per patch: case, source, origin, shuffled and the probability of ann; each case is a subject."""
    table = pd.DataFrame(rows, columns=["case_id", "source", "origin", "shuffled", name_probability("ann")])
    table = table.assign(fold=0, subject_id="s-" + table["case_id"])
    table[name_probability("ben")] = 1 - table[name_probability("ann")]
    return table[[*PATCH_COLUMNS, *map(name_probability, SOURCES)]]


PATCHES = make_patches(
    ("007", "ann", "annotation", False, 0.9),
    ("007", "ann", "annotation", False, 0.8),
    ("007", "ann", "annotation", False, 0.6),
    ("007", "ann", "annotation", False, 0.4),
    ("007", "ben", "annotation", False, 0.3),
    ("007", "ben", "annotation", False, 0.7),
    ("NA", "ann", "annotation", False, 0.9),
    ("NA", "ben", "annotation", False, 0.1),
    ("007", "ann", "prediction", False, 0.9),
    ("007", "ben", "prediction", False, 0.2),
    ("NA", "ben", "prediction", False, 0.9),
    ("007", "ann", "annotation", True, 0.4),
    ("007", "ben", "annotation", True, 0.4),
)


def test_a_hit_is_a_patch_whose_likeliest_source_drew_it() -> None:
    hits = count_hits(PATCHES, SOURCES)
    assert tuple(hits.columns) == HIT_COLUMNS
    found = list(hits[["case_id", "source", "origin", "shuffled", "patch_count", "hit_count"]].itertuples(index=False))
    assert [tuple(row) for row in found] == [
        ("007", "ann", "annotation", False, 4, 3),
        ("007", "ben", "annotation", False, 2, 1),
        ("NA", "ann", "annotation", False, 1, 1),
        ("NA", "ben", "annotation", False, 1, 1),
        ("007", "ann", "prediction", False, 1, 1),
        ("007", "ben", "prediction", False, 1, 1),
        ("NA", "ben", "prediction", False, 1, 0),
        ("007", "ann", "annotation", True, 1, 0),
        ("007", "ben", "annotation", True, 1, 1),
    ]


def test_sources_count_equally_in_a_case_and_cases_in_the_mean() -> None:
    """Case 007 has (3/4 + 1/2) / 2 = 0.625 and NA 1; their std is 0.375 / √2."""
    rates = {(rate.origin, rate.shuffled): rate for rate in summarise_hits(count_hits(PATCHES, SOURCES), seed=0)}
    assert list(rates) == [("annotation", False), ("annotation", True), ("prediction", False)]
    rate = rates["annotation", False]
    assert rate.interval.estimate == pytest.approx(0.8125)
    assert rate.std == pytest.approx(0.375 / np.sqrt(2))
    assert (rate.case_count, rate.patch_count) == (2, 8)
    assert rate.by_source == pytest.approx({"ann": 0.875, "ben": 0.75})
    assert (rate.interval.low, rate.interval.high) == (0.625, 1.0)
    assert rates["annotation", True].interval.estimate == 0.5
    assert rates["annotation", True].std is None


def test_growth_is_taken_over_cases_with_both_origins() -> None:
    """Case 007 grows from 0.625 to 1, NA falls from 1 to 0."""
    growth = compute_growth(count_hits(PATCHES, SOURCES), seed=0)
    assert growth is not None
    assert growth.estimate == pytest.approx((0.375 - 1) / 2)
    one = count_hits(PATCHES[PATCHES["case_id"] == "007"], SOURCES)
    assert compute_growth(one, seed=0) is not None
    assert compute_growth(one[one["origin"] == "annotation"], seed=0) is None


def test_the_curve_of_two_sources_finds_the_first() -> None:
    """Patches of ann score 0.9 0.8 0.6 0.4 0.9, of ben 0.3 0.7 0.1; of 15 pairs, ann loses 0.6 and 0.4 against 0.7."""
    curve = compute_rocs(PATCHES, SOURCES)["annotation"]
    assert curve.auc == pytest.approx(13 / 15)
    points = dict(zip(curve.thresholds, zip(curve.fpr, curve.tpr, strict=True), strict=True))
    assert points[0.9] == pytest.approx((0, 2 / 5))
    assert points[0.7] == pytest.approx((1 / 3, 3 / 5))
    assert points[0.4] == pytest.approx((1 / 3, 1))
    assert points[0.1] == (1, 1)


def test_the_curve_of_three_sources_is_averaged_at_equal_thresholds() -> None:
    """At 0.5, source 0 finds one of its two patches, and source 1 takes two of the three others for its own."""
    probabilities = np.array([[0.6, 0.3, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3], [0.2, 0.55, 0.25]])
    curve = compute_roc(probabilities, [0, 1, 2, 0])
    assert curve is not None
    points = dict(zip(curve.thresholds, zip(curve.fpr, curve.tpr, strict=True), strict=True))
    assert points[0.5] == pytest.approx(((0 + 2 / 3 + 0) / 3, (1 / 2 + 0 + 0) / 3))
    assert points[0.55] == pytest.approx(((0 + 1 / 3 + 0) / 3, (1 / 2 + 0 + 0) / 3))


def test_a_single_source_has_no_curve() -> None:
    assert compute_roc(np.array([[0.4, 0.6], [0.3, 0.7]]), [1, 1]) is None
    assert compute_rocs(PATCHES[PATCHES["source"] == "ann"], SOURCES) == {}


@given(data=st.data(), source_count=st.integers(2, 4), seed=st.integers(0, 2**32))
def test_a_curve_rises_from_the_origin_to_one_at_finite_thresholds(
    data: st.DataObject, source_count: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    sources = [*range(source_count), *data.draw(st.lists(st.integers(0, source_count - 1), max_size=300))]
    probabilities = generator.dirichlet(np.full(source_count, 0.3), len(sources)).round(2)
    curve = compute_roc(probabilities, sources)
    assert curve is not None
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == pytest.approx((0, 0, 1, 1))
    assert (np.diff(curve.fpr) >= 0).all()
    assert (np.diff(curve.tpr) >= 0).all()
    assert (np.diff(curve.thresholds) < 0).all()
    assert np.isfinite(curve.thresholds).all()
    assert len(curve.thresholds) <= 102


@given(seed=st.integers(0, 2**32), count=st.integers(2, 40))
def test_the_area_is_the_share_of_pairs_in_order(seed: int, count: int) -> None:
    generator = np.random.default_rng(seed)
    scores, positive = generator.integers(0, 5, count).astype(np.float64), generator.random(count) < 0.5
    positive[:2] = True, False
    differences = scores[positive][:, None] - scores[~positive][None]
    assert compute_auc(scores, positive) == pytest.approx(((differences > 0) + (differences == 0) / 2).mean())


def test_tables_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Case names such as 007 and NA stay text."""
    write_table(tmp_path / "patches.csv", PATCHES)
    pd.testing.assert_frame_equal(read_patches(tmp_path / "patches.csv", SOURCES), PATCHES, check_dtype=False)
    hits = count_hits(PATCHES, SOURCES)
    write_table(tmp_path / "hits.csv", hits)
    pd.testing.assert_frame_equal(read_hits(tmp_path / "hits.csv"), hits, check_dtype=False)
    write_table(tmp_path / "hits.csv", hits.drop(columns="fold"))
    with pytest.raises(InputError, match=r"hits\.csv must have the columns fold"):
        read_hits(tmp_path / "hits.csv")
