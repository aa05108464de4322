from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from overread.errors import TrainingError
from overread.questions.acquisition_bias.probe_folds import LabelledCase, ProbeFold
from overread.questions.acquisition_bias.probe_loop import (
    ProbeEpoch,
    ProbeLesson,
    balance_cases,
    predict_packages,
    train_probe,
)
from overread.training.loop import Session
from tests.unit.vendor_studies import make_probe_preset

CPU = torch.device("cpu")


def make_cases(prefix: str, count: int) -> tuple[LabelledCase, ...]:
    return tuple(LabelledCase(f"{prefix}{i}", f"{prefix}{i}", "dark" if i % 2 else "light") for i in range(count))


def make_session(folder: Path) -> Session[ProbeEpoch]:
    folder.mkdir(exist_ok=True)
    return Session(CPU, folder / "c.pt", "f", lambda _: None)


@pytest.fixture(scope="module")
def lesson() -> ProbeLesson:
    """Slices of noise, those of the class light a little lighter."""
    fold = ProbeFold(make_cases("train", 12), make_cases("val", 6), make_cases("test", 6))
    generator = np.random.default_rng(0)
    stacks = {
        case.case_id: np.clip(generator.normal(0.3 * (case.label == "light"), 0.2, (3, 24, 24)), -1, 1).astype(
            np.float16
        )
        for case in (*fold.train, *fold.validation, *fold.test)
    }
    return ProbeLesson(fold, ("dark", "light"), stacks)


def test_a_probe_learns_what_tells_the_classes_apart(lesson: ProbeLesson, tmp_path: Path) -> None:
    preset = make_probe_preset()
    trained = train_probe(lesson, preset, seed=0, session=make_session(tmp_path))
    found = predict_packages(trained.network, lesson.fold.test, lesson, preset, seed=0)
    assert found.shape == (6, 2, 2)
    assert np.allclose(found.sum(axis=2), 1)
    assert [lesson.classes[index] for index in found.mean(axis=1).argmax(axis=1)] == [c.label for c in lesson.fold.test]


def test_the_epoch_is_kept_that_validates_best_and_not_the_last(lesson: ProbeLesson, tmp_path: Path) -> None:
    """Where validation cases bear the other class's name, what is learnt makes them worse."""
    preset, other = make_probe_preset(), {"dark": "light", "light": "dark"}
    swapped = tuple(replace(case, label=other[case.label]) for case in lesson.fold.validation)
    misled = replace(lesson, fold=replace(lesson.fold, validation=swapped))
    right, wrong = (
        train_probe(one, preset, seed=0, session=make_session(tmp_path / name))
        for name, one in (("right", lesson), ("misled", misled))
    )
    assert wrong.kept_epoch < preset.training.epochs / 2 < right.kept_epoch
    assert right.validation_loss < wrong.validation_loss


def test_the_same_seed_gives_the_same_answers(lesson: ProbeLesson, tmp_path: Path) -> None:
    preset = make_probe_preset(epochs=2)
    answers = [
        predict_packages(
            train_probe(lesson, preset, seed=seed, session=make_session(tmp_path / name)).network,
            lesson.fold.test,
            lesson,
            preset,
            seed=0,
        )
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    ]
    assert np.array_equal(answers[0], answers[1])
    assert not np.array_equal(answers[0], answers[2])


def test_the_packages_of_a_case_do_not_depend_on_the_other_cases(lesson: ProbeLesson, tmp_path: Path) -> None:
    preset = make_probe_preset(epochs=1)
    network = train_probe(lesson, preset, seed=0, session=make_session(tmp_path)).network
    together = predict_packages(network, lesson.fold.test, lesson, preset, seed=0)
    alone = predict_packages(network, lesson.fold.test[2:3], lesson, preset, seed=0)
    assert np.allclose(together[2], alone[0], atol=1e-6)


def test_a_loss_that_is_not_finite_is_told(lesson: ProbeLesson, tmp_path: Path) -> None:
    broken = {name: np.full_like(stack, np.nan) for name, stack in lesson.stacks.items()}
    with pytest.raises(TrainingError, match="the loss must stay finite, got nan in epoch 1"):
        train_probe(replace(lesson, stacks=broken), make_probe_preset(), seed=0, session=make_session(tmp_path))


def test_every_class_shows_as_many_cases_as_the_largest_and_every_case_is_seen() -> None:
    cases = [LabelledCase(f"a{index}", f"a{index}", "a") for index in range(7)]
    cases += [LabelledCase(f"b{index}", f"b{index}", "b") for index in range(3)]
    drawn = balance_cases(cases, np.random.default_rng(0))
    assert Counter(case.label for case in drawn) == {"a": 7, "b": 7}
    counts = Counter(case.case_id for case in drawn)
    assert set(counts) == {case.case_id for case in cases}
    assert max(counts[f"b{index}"] for index in range(3)) - min(counts[f"b{index}"] for index in range(3)) <= 1
