from pathlib import Path

import numpy as np
import pytest

from overread.errors import InputError
from overread.evaluation.skill import Skill, measure_skill
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.types import Mask


def write(folder: Path, masks: dict[str, Mask]) -> LabelSet:
    label_set = LabelSet(folder.name, folder, ".png")
    for case_id, mask in masks.items():
        write_mask(label_set.path(case_id), mask, None)
    return label_set


def strip(width: int, start: int, stop: int) -> Mask:
    mask = np.zeros((4, width), bool)
    mask[:, start:stop] = True
    return mask


class TestSkill:
    @pytest.mark.parametrize(
        ("own", "guess", "raters", "value", "has_learnt"),
        [
            (0.782, 0.016, 0.730, 1.07, True),
            (0.301, 0.295, 0.895, 0.01, False),
            (0.30, 0.10, None, 0.222, False),
            (0.40, 0.10, None, 0.333, True),
        ],
    )
    def test_lies_between_guessing_and_the_agreement_of_the_sources(
        self, own: float, guess: float, raters: float | None, value: float, has_learnt: bool
    ) -> None:
        skill = Skill(own=own, guess=guess, raters=raters)
        assert skill.value == pytest.approx(value, abs=0.005)
        assert skill.has_learnt == has_learnt

    def test_where_everything_is_foreground_nothing_can_be_learnt(self) -> None:
        assert not Skill(own=1.0, guess=1.0).has_learnt


class TestMeasureSkill:
    def test_a_network_that_knows_its_labels_has_a_skill_of_one(self, tmp_path: Path) -> None:
        masks = {f"c{index}": strip(12, index, index + 3) for index in range(6)}
        labels, predictions = write(tmp_path / "rater", masks), write(tmp_path / "network", masks)
        found = measure_skill(labels, predictions, case_ids=list(masks), subject_of={name: name for name in masks})
        assert (found.own, found.value) == (1, 1)

    def test_a_mask_that_ignores_the_image_has_a_skill_of_none(self, tmp_path: Path) -> None:
        masks = {f"c{index}": strip(12, index, index + 3) for index in range(6)}
        labels = write(tmp_path / "rater", masks)
        predictions = write(tmp_path / "network", {name: np.ones((4, 12), bool) for name in masks})
        found = measure_skill(labels, predictions, case_ids=list(masks), subject_of={name: name for name in masks})
        assert found.own == found.guess == pytest.approx(2 * 3 / (3 + 12))
        assert (found.value, found.has_learnt) == (0, False)

    def test_the_best_guess_may_be_the_mask_of_another_subject(self, tmp_path: Path) -> None:
        """Labels alike: the masks of others agree as well as the own one."""
        masks = {f"c{index}": strip(12, 4, 6) for index in range(4)}
        labels, predictions = write(tmp_path / "rater", masks), write(tmp_path / "network", masks)
        found = measure_skill(labels, predictions, case_ids=list(masks), subject_of={name: name for name in masks})
        assert found.guess == 1

    def test_masks_of_the_same_subject_are_no_guess(self, tmp_path: Path) -> None:
        masks = {"a0": strip(12, 4, 6), "a1": strip(12, 4, 6), "b0": strip(12, 9, 11)}
        labels, predictions = write(tmp_path / "rater", masks), write(tmp_path / "network", masks)
        found = measure_skill(labels, predictions, case_ids=list(masks), subject_of={"a0": "a", "a1": "a", "b0": "b"})
        assert found.guess == pytest.approx(2 * 2 / (2 + 12))

    def test_masks_of_another_size_are_stretched(self, tmp_path: Path) -> None:
        masks = {"a": strip(12, 4, 6), "b": strip(24, 8, 12)}
        labels, predictions = write(tmp_path / "rater", masks), write(tmp_path / "network", masks)
        found = measure_skill(labels, predictions, case_ids=["a", "b"], subject_of={"a": "a", "b": "b"})
        assert found.guess == 1

    def test_sources_that_agree_no_better_than_a_guess_are_no_yardstick(self, tmp_path: Path) -> None:
        masks = {f"c{index}": strip(12, index, index + 3) for index in range(6)}
        labels, predictions = write(tmp_path / "rater", masks), write(tmp_path / "network", masks)
        subjects = {name: name for name in masks}
        assert measure_skill(labels, predictions, case_ids=list(masks), subject_of=subjects, raters=0.3).raters is None
        assert measure_skill(labels, predictions, case_ids=list(masks), subject_of=subjects, raters=0.9).raters == 0.9

    def test_no_case_with_both_masks_is_refused(self, tmp_path: Path) -> None:
        labels, predictions = write(tmp_path / "rater", {"a": strip(12, 0, 3)}), write(tmp_path / "network", {})
        with pytest.raises(InputError, match="a label and a held-out mask"):
            measure_skill(labels, predictions, case_ids=["a"], subject_of={"a": "a"})
