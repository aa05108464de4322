"""Ratings as features, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from crowd_builders import build_sick, build_table
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from overread.errors import InputError
from overread.questions.crowd_disagreement.case_features import check_annotators_differ, label_cases
from overread.questions.crowd_disagreement.evaluation import embed_cases
from overread.questions.crowd_disagreement.feature_sets import standardise
from overread.questions.crowd_disagreement.rating_features import collect_rating_features, compute_moment, list_moments

VALUES = np.random.default_rng(0).normal(size=(6, 3, 2))
SICK = np.array([True, False, True, False, False, False])


def test_moments_by_hand():
    # 0, 0, 0, 4: mean 1; squares 1, 1, 1, 9; cubes -1, -1, -1, 27; fourth powers 1, 1, 1, 81.
    ratings = np.array([0.0, 0, 0, 4])[:, None]
    assert compute_moment(ratings, "mean") == pytest.approx([1])
    assert compute_moment(ratings, "std") == pytest.approx([2])
    assert compute_moment(ratings, "skewness") == pytest.approx([6 / 3**1.5])
    assert compute_moment(ratings, "kurtosis") == pytest.approx([21 / 9 - 3])


@pytest.mark.parametrize("moment", ["std", "skewness", "kurtosis"])
def test_agreement_has_neither_spread_nor_shape(moment):
    assert compute_moment(np.full((5, 2), 0.1), moment).tolist() == pytest.approx([0, 0], abs=1e-15)


@settings(max_examples=30, deadline=None)
@given(arrays(np.float64, (4, 2), elements=st.integers(0, 9)), st.permutations(range(4)))
def test_moments_do_not_know_who_gave_which_rating(ratings, order):
    for moment in list_moments(4):
        np.testing.assert_allclose(
            compute_moment(ratings, moment), compute_moment(ratings[list(order)], moment), atol=1e-9
        )


def test_moments_that_cannot_differ_between_cases_are_left_out():
    assert list_moments(2) == ("mean", "std")
    assert list_moments(3) == ("mean", "std", "skewness")
    keys = [one.key for one in collect_rating_features(build_table(VALUES)).sets]
    assert keys[-4:] == ["consensus", "disagreement", "std", "skewness"]


def test_sets_hold_the_columns_that_they_are_named_after():
    features = collect_rating_features(build_table(VALUES))
    columns = features.values
    assert features.columns[:3] == ("colour by r1", "border by r1", "colour by r2")
    np.testing.assert_array_equal(features.find_set("feature:border").derive(columns), VALUES[:, :, 1])
    np.testing.assert_array_equal(features.find_set("annotator:r3").derive(columns), VALUES[:, 2])
    np.testing.assert_allclose(features.find_set("consensus").derive(columns), VALUES.mean(axis=1))
    for one in features.sets:
        assert one.derive(columns).shape == (6, one.size)
        np.testing.assert_allclose(one.derive(np.stack([columns, 2 * columns]))[0], one.derive(columns))


def test_held_out_cases_take_no_part_in_z_scores():
    columns = np.array([[1.0, 7], [3, 7], [100, 9]])
    scaled = standardise(columns, np.array([1.0, 1, 0]))
    # Mean 2 and deviation 1 of the first two; the second column is constant over them, so only its mean is taken off.
    np.testing.assert_allclose(scaled, [[-1, 0], [1, 0], [98, 2]])


def test_incomplete_and_unknown_cases_are_left_out_and_named():
    values = VALUES.copy()
    values[1, 2, 0] = np.nan
    outcome = build_sick(np.append(SICK, True))
    unknown = dict(outcome.by_case)
    del unknown["case05"]
    labelled = label_cases(
        collect_rating_features(build_table(values)),
        type(outcome)(column="sick", negative="no", positive="yes", by_case=unknown),
    )
    assert labelled.features.case_ids == ("case00", "case02", "case03", "case04")
    assert labelled.outcome.tolist() == [True, True, False, False]
    assert (labelled.incomplete, labelled.without_outcome) == (("case01",), ("case05",))
    assert labelled.unmeasured == ("case06",)


def test_the_table_of_outcomes_names_the_subjects():
    outcome = replace(build_sick(SICK), subject_of={"case01": "case00"})
    labelled = label_cases(collect_rating_features(build_table(VALUES)), outcome)
    assert labelled.features.subjects == ("case00", "case00", "case02", "case03", "case04", "case05")


def test_a_constant_column_is_refused():
    values = VALUES.copy()
    values[:, 1, 1] = 2
    with pytest.raises(InputError, match="must vary over the complete cases, got one value throughout in border by r2"):
        label_cases(collect_rating_features(build_table(values)), build_sick(SICK))


def test_one_class_among_the_complete_cases_is_refused():
    values = VALUES.copy()
    values[SICK, 0, 0] = np.nan
    with pytest.raises(InputError, match="of both classes, 'no' and 'yes', got 4 and 0; outcome sick"):
        label_cases(collect_rating_features(build_table(values)), build_sick(SICK))


def test_tables_about_other_cases_are_refused():
    outcome = type(build_sick(SICK))(column="x", negative="0", positive="1", by_case={"other": True})
    with pytest.raises(InputError, match="names in common, got 'case00' and 'other'"):
        label_cases(collect_rating_features(build_table(VALUES)), outcome)


def test_an_annotator_who_is_a_copy_of_another_is_refused():
    values = VALUES.copy()
    values[:, 2] = values[:, 0]
    labelled = label_cases(collect_rating_features(build_table(values)), build_sick(SICK))
    with pytest.raises(InputError, match="same ratings throughout, got 'r1' and 'r3'"):
        check_annotators_differ(labelled, ("r1", "r2", "r3"))


def test_the_first_component_lies_along_what_columns_have_in_common():
    common = np.array([-3.0, -1, 0, 1, 3])
    components, explained = embed_cases(np.stack([common, common, [1, -1, 0, -1, 1]], axis=1))
    # Two z-scored columns are equal, with variance 2 of 3 in one direction; the third is uncorrelated with them.
    assert explained == pytest.approx((2 / 3, 1 / 3))
    np.testing.assert_allclose(components[:, 0], common / 2 * np.sqrt(2), atol=1e-12)
