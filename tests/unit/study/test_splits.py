"""Folds by subject."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from overread.errors import InputError
from overread.study.cases import Case
from overread.study.schema import StudySettings
from overread.study.splits import HELD_OUT_SHARE, Fold, is_held_out, split_folds, split_held_out, split_validation
from overread.study.study import Study

SETTINGS = StudySettings(name="s", dimensions=2, modality="m", channels=("c",), target="t")


def make_study(subjects: Sequence[str], splits: Mapping[int, str] | None = None) -> Study:
    """A study without files; case i is of the i-th subject."""
    columns = [{} if splits is None else {"split": splits.get(index, "")} for index in range(len(subjects))]
    cases = (Case(f"c{index}", subject, columns[index]) for index, subject in enumerate(subjects))
    return Study(Path("nowhere"), SETTINGS, tuple(cases))


def find_subjects(study: Study, case_ids: Sequence[str]) -> set[str]:
    return {study.subject_of[case_id] for case_id in case_ids}


subject_lists = st.lists(st.sampled_from("abcdefghijkl"), min_size=3, max_size=25).filter(lambda s: len(set(s)) >= 3)


class TestFolds:
    @given(subjects=subject_lists, fraction=st.floats(0.01, 0.99), seed=st.integers(0, 99), data=st.data())
    @settings(deadline=None, max_examples=80)
    def test_hold_out_each_case_once_and_no_subject_is_in_two_parts(
        self, subjects: list[str], fraction: float, seed: int, data: st.DataObject
    ) -> None:
        study, count = make_study(subjects), len(set(subjects))
        folds = data.draw(st.integers(2 if count > 3 else 3, count))
        found = split_folds(study, folds=folds, validation_fraction=fraction, seed=seed)

        assert len(found) == folds
        assert Counter(case_id for fold in found for case_id in fold.test) == Counter(study.case_ids)
        for fold in found:
            parts = [find_subjects(study, part) for part in (fold.train, fold.validation, fold.test)]
            assert all(parts)
            assert sum(map(len, parts)) == count
            assert sorted((*fold.train, *fold.validation, *fold.test)) == sorted(study.case_ids)
        sizes = [len(find_subjects(study, fold.test)) for fold in found]
        assert max(sizes) - min(sizes) <= 1
        assert found == split_folds(study, folds=folds, validation_fraction=fraction, seed=seed)

    def test_depend_on_the_seed(self) -> None:
        study = make_study([f"s{index}" for index in range(20)])
        first, second = (split_folds(study, folds=4, validation_fraction=0.2, seed=seed) for seed in (0, 1))
        assert first != second

    def test_split_the_ms_study_of_schwartzman_as_the_paper_did(self) -> None:
        """21 subjects in 4 folds: 6, 5, 5 and 5 to test; of the other 16, round(0.3 × 16) = 5 to validate."""
        study = make_study([f"s{index}" for index in range(21)])
        found = split_folds(study, folds=4, validation_fraction=0.3, seed=0)
        sizes = [(len(fold.train), len(fold.validation), len(fold.test)) for fold in found]
        assert sizes == [(11, 4, 6), (11, 5, 5), (11, 5, 5), (11, 5, 5)]

    @pytest.mark.parametrize(
        ("subjects", "folds", "limits"), [("abcdd", 1, "2 and"), ("abcdd", 5, "2 and"), ("abcc", 2, "3 and")]
    )
    def test_name_the_limits_of_their_number(self, subjects: str, folds: int, limits: str) -> None:
        """Of three subjects, halves would leave one to train and none to validate."""
        count = len(set(subjects))
        with pytest.raises(InputError, match=f"between {limits} the number of subjects, {count}, got {folds}"):
            split_folds(make_study(subjects), folds=folds, validation_fraction=0.2, seed=0)

    def test_need_three_subjects(self) -> None:
        with pytest.raises(InputError, match=r"at least 3 subjects, to train, to validate and to test on, got 2"):
            split_folds(make_study(["a", "b", "b"]), folds=2, validation_fraction=0.2, seed=0)


class TestSplitColumn:
    def test_is_used_as_it_is(self) -> None:
        study = make_study("aabcd", {0: "train", 1: "train", 2: "validation", 3: "test", 4: "train"})
        found = split_folds(study, folds=1, validation_fraction=0.5, seed=0)
        assert found == (Fold(("c0", "c1", "c4"), ("c2",), ("c3",)),)

    def test_without_validation_cases_takes_them_from_the_training_subjects(self) -> None:
        study = make_study("aabbccd", dict.fromkeys(range(6), "train") | {6: "test"})
        (found,) = split_folds(study, folds=1, validation_fraction=0.3, seed=0)
        assert found.test == ("c6",)
        assert len(found.validation) == 2
        assert len(find_subjects(study, found.validation)) == 1
        assert sorted(found.train + found.validation) == [f"c{index}" for index in range(6)]

    def test_refuses_a_cross_validation(self) -> None:
        study = make_study("abc", {0: "train", 1: "validation", 2: "test"})
        with pytest.raises(InputError, match=r"folds must be 1 where cases.csv has a split column, got 3\. Hint: set"):
            split_folds(study, folds=3, validation_fraction=0.2, seed=0)

    @pytest.mark.parametrize(
        ("splits", "message"),
        [
            ({0: "train", 1: "train", 2: "train"}, "to validate and to test on, got 2, 1 and 0"),
            ({0: "test", 1: "validation", 2: "test"}, "to validate and to test on, got 0, 1 and 2"),
            ({0: "train", 1: "test", 2: "test"}, "to validate and to test on, got 1, 0 and 2"),
            ({0: "train", 2: "test"}, "every case must have a split where cases.csv has that column, got none for c1"),
        ],
    )
    def test_must_leave_cases_for_every_part(self, splits: dict[int, str], message: str) -> None:
        with pytest.raises(InputError, match=message):
            split_folds(make_study("abc", splits), folds=1, validation_fraction=0.2, seed=0)


class TestValidationSplit:
    @given(subjects=st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=20), fraction=st.floats(0.01, 0.99))
    @settings(deadline=None, max_examples=60)
    def test_keeps_subjects_together_and_both_parts_filled(self, subjects: list[str], fraction: float) -> None:
        study, count = make_study(subjects), len(set(subjects))
        train, validation = split_validation(study, study.case_ids, fraction=fraction, seed=0)
        assert sorted(train + validation) == sorted(study.case_ids)
        assert not find_subjects(study, train) & find_subjects(study, validation)
        expected = 0 if count == 1 else min(count - 1, max(1, round(count * fraction)))
        assert len(find_subjects(study, validation)) == expected

    def test_looks_at_the_given_cases_only(self) -> None:
        study = make_study("abcdef")
        train, validation = split_validation(study, ("c1", "c3", "c4"), fraction=0.3, seed=0)
        assert sorted(train + validation) == ["c1", "c3", "c4"]


def hold_out(study: Study) -> Fold:
    return split_held_out(study, validation_fraction=0.2, seed=0)


class TestHeldOut:
    GROUND = tuple(f"s{index}" for index in range(12))
    """Subjects of which some are held out and some are not, so that every study has all three parts."""

    @given(
        early=st.lists(st.text("abcxyz0123", min_size=1, max_size=6), max_size=15),
        late=st.lists(st.text("abcxyz0123", min_size=1, max_size=6), max_size=15),
        seed=st.integers(0, 99),
    )
    @settings(deadline=None, max_examples=80)
    def test_a_subject_stays_held_out_and_any_other_is_never_held_out_as_the_study_grows(
        self, early: list[str], late: list[str], seed: int
    ) -> None:
        before, after = make_study([*self.GROUND, *early]), make_study([*late, *self.GROUND, *early])
        old, new = (split_held_out(study, validation_fraction=0.2, seed=seed) for study in (before, after))
        tested = find_subjects(before, old.test)
        assert tested == find_subjects(after, new.test) & set(before.subject_of.values())
        assert not tested & find_subjects(after, (*new.train, *new.validation))

    @given(subjects=st.lists(st.sampled_from([f"s{index}" for index in range(40)]), max_size=30))
    @settings(deadline=None, max_examples=60)
    def test_every_case_is_in_one_part_and_no_subject_in_two(self, subjects: list[str]) -> None:
        study = make_study([*self.GROUND, *subjects])
        fold = hold_out(study)
        assert sorted((*fold.train, *fold.validation, *fold.test)) == sorted(study.case_ids)
        parts = [find_subjects(study, part) for part in (fold.train, fold.validation, fold.test)]
        assert all(parts)
        assert sum(map(len, parts)) == len(set(study.subject_of.values()))

    def test_about_three_in_ten_names_are_held_out(self) -> None:
        """The standard deviation of the share of 5000 names is sqrt(0.3 * 0.7 / 5000) = 0.0065."""
        share = sum(is_held_out(f"subject-{index}") for index in range(5000)) / 5000
        assert share == pytest.approx(HELD_OUT_SHARE, abs=4 * 0.0065)

    def test_which_names_are_held_out_is_the_same_in_every_version(self) -> None:
        """Another choice would let new networks learn what old champions are judged by."""
        assert [index for index in range(20) if is_held_out(f"subject{index:02d}")] == [0, 9, 13, 14, 15]

    def test_all_cases_of_a_subject_go_together(self) -> None:
        held_out = next(name for name in self.GROUND if is_held_out(name))
        study = make_study([*self.GROUND, held_out, held_out])
        assert {f"c{len(self.GROUND)}", f"c{len(self.GROUND) + 1}"} <= set(hold_out(study).test)

    def test_a_split_column_decides_where_there_is_one(self) -> None:
        study = make_study("aabcd", {0: "train", 1: "train", 2: "validation", 3: "test", 4: "train"})
        assert hold_out(study) == Fold(("c0", "c1", "c4"), ("c2",), ("c3",))

    def test_a_study_whose_names_leave_a_part_empty_is_refused_with_a_way_out(self) -> None:
        names = [f"subject{index:02d}" for index in range(40)]
        held_out = [name for name in names if is_held_out(name)]
        learnt = [name for name in names if not is_held_out(name)]
        for subjects in (held_out[:3], learnt[:3], [learnt[0], *held_out[:2]]):
            with pytest.raises(InputError, match=r"as their names decide, got .*Hint: add cases, or a split column"):
                hold_out(make_study(subjects))
        assert hold_out(make_study([*learnt[:2], held_out[0]])).test == ("c2",)
