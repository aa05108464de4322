from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overread.errors import InputError
from overread.questions.acquisition_bias.probe_folds import (
    LabelledCase,
    find_main_labels,
    shuffle_labels,
    split_stratified_folds,
)


def make_cases(counts: dict[str, list[int]]) -> list[LabelledCase]:
    """Subjects of each class with so many cases each."""
    return [
        LabelledCase(f"{label}{subject}-{case}", f"{label}{subject}", label)
        for label, sizes in counts.items()
        for subject, size in enumerate(sizes)
        for case in range(size)
    ]


def test_every_part_has_its_share_of_each_class() -> None:
    folds = split_stratified_folds(make_cases({"a": [1] * 12, "b": [1] * 6}), folds=3, validation_folds=1, seed=0)
    for fold in folds:
        for part in (fold.train, fold.validation, fold.test):
            assert Counter(case.label for case in part) == {"a": 4, "b": 2}


def test_the_paper_s_division_is_ten_parts_of_which_three_validate() -> None:
    folds = split_stratified_folds(make_cases({"a": [1] * 10, "b": [1] * 10}), folds=10, validation_folds=3, seed=0)
    assert {(len(fold.train), len(fold.validation), len(fold.test)) for fold in folds} == {(12, 6, 2)}


def test_a_subject_of_many_cases_is_placed_first_so_that_parts_stay_even() -> None:
    folds = split_stratified_folds(
        make_cases({"a": [4, 1, 1, 1, 1], "b": [2, 2, 2]}), folds=3, validation_folds=1, seed=3
    )
    assert sorted(sum(case.label == "a" for case in fold.test) for fold in folds) == [2, 2, 4]


@given(
    st.lists(st.integers(1, 4), min_size=3, max_size=9),
    st.lists(st.integers(1, 4), min_size=3, max_size=9),
    st.integers(0, 9),
)
def test_no_subject_is_in_two_parts_and_every_case_is_held_out_once(
    first: list[int], second: list[int], seed: int
) -> None:
    cases = make_cases({"a": first, "b": second})
    folds = split_stratified_folds(cases, folds=3, validation_folds=1, seed=seed)
    assert sorted(case.case_id for fold in folds for case in fold.test) == sorted(case.case_id for case in cases)
    for fold in folds:
        parts = [{case.subject_id for case in part} for part in (fold.train, fold.validation, fold.test)]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts))
        assert {case.label for case in fold.test} == {"a", "b"}


def test_a_class_of_two_subjects_is_refused_by_name() -> None:
    with pytest.raises(
        InputError,
        match=r"every class must have at least 3 subjects, one for each fold, got 'b' of 2\. Hint: leave such",
    ):
        split_stratified_folds(make_cases({"a": [1] * 9, "b": [3, 3]}), folds=3, validation_folds=1, seed=0)


def test_a_class_with_too_few_subjects_for_the_folds_is_told_how_many_it_allows() -> None:
    with pytest.raises(InputError, match=r"got 'b' of 4\. Hint: use 4 folds or fewer"):
        split_stratified_folds(make_cases({"a": [1] * 9, "b": [1] * 4}), folds=5, validation_folds=1, seed=0)


def test_a_subject_of_several_classes_counts_for_its_main_class() -> None:
    cases = [LabelledCase("1", "s", "b"), LabelledCase("2", "s", "b"), LabelledCase("3", "s", "a")]
    cases += [LabelledCase("4", "t", "b"), LabelledCase("5", "t", "a")]
    assert find_main_labels(cases) == {"s": "b", "t": "a"}


def test_shuffling_moves_classes_between_subjects_and_keeps_their_number() -> None:
    cases = make_cases({"a": [2] * 8, "b": [1] * 8})
    shuffled = shuffle_labels(cases, seed=1)
    assert [case.case_id for case in shuffled] == [case.case_id for case in cases]
    assert [case.label for case in shuffled] != [case.label for case in cases]
    assert Counter(find_main_labels(shuffled).values()) == {"a": 8, "b": 8}
    assert all(len({case.label for case in shuffled if case.subject_id == f"a{index}"}) == 1 for index in range(8))
    assert shuffle_labels(cases, seed=1) == shuffled
