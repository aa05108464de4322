"""Hit rates and curves of a source classifier, by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import InputError
from overread.evaluation.roc import compute_auc, compute_roc
from overread.questions.rater_bias.classification_results import HIT_COLUMNS, SourceClassification
from overread.questions.rater_bias.hit_rates import compute_chance_band, compute_growth, summarise_hits
from overread.questions.rater_bias.source_hits import (
    PATCH_COLUMNS,
    compute_rocs,
    count_hits,
    name_probability,
    read_hits,
    read_patches,
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
    rates = {(rate.origin, rate.shuffled): rate for rate in summarise_hits(count_hits(PATCHES, SOURCES), chance=CHANCE)}
    assert list(rates) == [("annotation", False), ("annotation", True), ("prediction", False)]
    rate = rates["annotation", False]
    assert rate.interval.estimate == pytest.approx(0.8125)
    assert rate.std == pytest.approx(0.375 / np.sqrt(2))
    assert (rate.case_count, rate.patch_count) == (2, 8)
    assert rate.by_source == pytest.approx({"ann": 0.875, "ben": 0.75})
    assert (rate.interval.obstacle, rate.p_above, rate.is_above_chance) == ("few subjects", None, False)
    assert rates["annotation", True].interval.estimate == 0.5
    assert rates["annotation", True].std is None


CHANCE = 0.5


def make_hits(rates: dict[str, list[float]], *, origin: str = "annotation", shuffled: bool = False) -> pd.DataFrame:
    """Hits of 100 patches; by subject the rates of its cases. Subjects s0 and s1 are held out in fold 0, and so on."""
    rows = [
        (int(subject[1:]) // 2, f"{subject}-{case}", subject, source, origin, shuffled, 100, round(100 * rate))
        for subject, cases in rates.items()
        for case, rate in enumerate(cases)
        for source in SOURCES
    ]
    return pd.DataFrame(rows, columns=list(HIT_COLUMNS))


FOLDS = {"s0": [0.9, 0.5], "s1": [0.7], "s2": [0.7], "s3": [0.9], "s4": [0.9], "s5": [0.9]}
"""Subjects .7 .7, .7 .9, .9 .9; folds .7, .8, .9."""


def test_the_interval_is_taken_over_folds_because_each_trained_one_classifier() -> None:
    """Folds .7, .8, .9: mean .8, standard error .1 · √(1/3 + 1/2) = .0913, 2 degrees of freedom.

    t = .3 / .0913 = 3.286; with 2 degrees of freedom the one-sided p is (1 - t / √(2 + t²)) / 2.
    """
    (rate,) = summarise_hits(make_hits(FOLDS), chance=CHANCE)
    error = 0.1 * np.sqrt(5 / 6)
    t = 0.3 / error
    assert rate.interval.estimate == pytest.approx(0.8)
    assert rate.interval.low == pytest.approx(0.8 - 4.302653 * error, abs=1e-6)
    assert rate.interval.high == 1, "and not 1.19"
    assert rate.p_above == pytest.approx((1 - t / np.sqrt(2 + t**2)) / 2)
    assert not rate.is_above_chance, "p is .041"
    (lower,) = summarise_hits(make_hits(FOLDS), chance=0.3)
    assert lower.is_above_chance, "t is 5.48 and p .016"
    (below,) = summarise_hits(make_hits(FOLDS), chance=0.95)
    assert below.p_above is not None
    assert below.p_above > 0.5


def test_a_third_is_no_more_than_chance_of_three_sources_in_spite_of_rounding() -> None:
    hits = make_hits(FOLDS).assign(patch_count=3, hit_count=1)
    (rate,) = summarise_hits(hits, chance=1 / 3)
    assert rate.p_above == 0.5
    (perfect,) = summarise_hits(hits.assign(hit_count=3), chance=1 / 3)
    assert perfect.p_above == 0


def test_growth_is_taken_over_cases_with_both_origins() -> None:
    """Case 007 grows from 0.625 to 1, NA falls from 1 to 0."""
    growth = compute_growth(count_hits(PATCHES, SOURCES))
    assert growth is not None
    assert growth.estimate == pytest.approx((0.375 - 1) / 2)
    one = count_hits(PATCHES[PATCHES["case_id"] == "007"], SOURCES)
    assert compute_growth(one) is not None
    assert compute_growth(one[one["origin"] == "annotation"]) is None


def test_growth_is_judged_over_folds_like_a_hit_rate() -> None:
    """Every subject grows to 1: folds by .3, .2 and .1."""
    predictions = make_hits({subject: [1.0] * len(cases) for subject, cases in FOLDS.items()}, origin="prediction")
    growth = compute_growth(pd.concat([make_hits(FOLDS), predictions]))
    assert growth is not None
    assert growth.estimate == pytest.approx(0.2)
    assert growth.standard_error == pytest.approx(0.1 * np.sqrt(5 / 6))
    assert growth.repeat_count == 1


def test_the_chance_band_follows_how_the_subjects_of_the_control_scatter() -> None:
    """Subjects .7 .7 .7 .9 .9 .9 lie .2 and .4 from chance: mean square .1; 6 of them in 3 folds, √(1 + 3/2)."""
    assert compute_chance_band(make_hits(FOLDS), chance=CHANCE) is None
    low, high = compute_chance_band(make_hits(FOLDS, shuffled=True), chance=CHANCE) or (np.nan, np.nan)
    width = 2 * np.sqrt(0.1 * 2.5 / 6)
    assert (low, high) == pytest.approx((0.5 - width, 0.5 + width))
    wild = make_hits({subject: [0.0, 0.0] for subject in FOLDS}, shuffled=True)
    assert compute_chance_band(wild, chance=CHANCE) == (0, 1)


def classify(hits: pd.DataFrame) -> SourceClassification:
    return SourceClassification(
        study="tiny",
        target="lesion",
        sources=SOURCES,
        chance=CHANCE,
        chance_band=compute_chance_band(hits, chance=CHANCE),
        patch_size=(8, 8),
        patches_per_case=1,
        fold_count=3,
        hit_rates=summarise_hits(hits, chance=CHANCE),
        growth=compute_growth(hits),
        rocs={},
        skipped_cases={},
    )


def test_sources_are_told_apart_unless_the_control_is_recognised_as_well() -> None:
    clear = {"s0": [0.9], "s1": [0.9], "s2": [0.8], "s3": [0.9], "s4": [0.9], "s5": [0.8]}
    flat = {subject: [0.5] for subject in clear}
    told, control, biased = make_hits(clear), make_hits(flat, shuffled=True), make_hits(clear, shuffled=True)
    assert classify(told).verdict == "told"
    assert classify(pd.concat([told, control])).verdict == "told"
    assert classify(pd.concat([told, biased])).verdict == "cannot tell"
    assert classify(control).verdict == classify(make_hits(flat)).verdict == "cannot tell"


SUBJECT_COUNT, FOLD_COUNT, FEATURES, PATCHES_OF_A_MASK, TRIALS = 18, 3, 4, 6, 100


def learn_and_ask(generator: np.random.Generator) -> pd.DataFrame:
    """Hits of a cross-validated classifier of two sources that draw alike, with its control.

    Masks have features of their subject, of themselves and of each patch; the classifier is the plane midway between
    the sources' means over the training subjects, so that folds share what they learn from as they do in a study.
    """
    subject = generator.normal(size=(SUBJECT_COUNT, 1, 1, FEATURES))
    mask = generator.normal(size=(SUBJECT_COUNT, 2, 1, FEATURES))
    features = subject + mask + 0.5 * generator.normal(size=(SUBJECT_COUNT, 2, PATCHES_OF_A_MASK, FEATURES))
    fold_of, rows = np.arange(SUBJECT_COUNT) % FOLD_COUNT, []
    for shuffled in (False, True):
        for fold in range(FOLD_COUNT):
            train = features[fold_of != fold].mean(axis=2)
            if shuffled:
                signs = np.resize([True, False], len(train))
                train = np.where(generator.permutation(signs)[:, None, None], train, train[:, ::-1])
            first, second = train.mean(axis=0)
            for place in np.flatnonzero(fold_of == fold):
                is_first = (features[place] - (first + second) / 2) @ (first - second) > 0
                for index, source in enumerate(SOURCES):
                    hit_count = int((is_first[index] == (index == 0)).sum())
                    name = f"s{place}"
                    rows.append((fold, name, name, source, "annotation", shuffled, PATCHES_OF_A_MASK, hit_count))
    return pd.DataFrame(rows, columns=list(HIT_COLUMNS))


def test_sources_that_draw_alike_are_told_apart_no_more_often_than_claimed() -> None:
    """Nominal 2.5 %; the band of two standard deviations holds about 19 of 20 hit rates."""
    generator, told, inside = np.random.default_rng(5), 0, 0
    for _ in range(TRIALS):
        found = classify(learn_and_ask(generator))
        told += found.verdict == "told"
        rate = found.find_hit_rate("annotation")
        assert rate is not None
        assert found.chance_band is not None
        inside += found.chance_band[0] <= rate.interval.estimate <= found.chance_band[1]
    assert told / TRIALS <= 0.07
    assert inside / TRIALS >= 0.85


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
