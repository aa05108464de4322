"""Training a source classifier."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from overread.errors import InputError
from overread.questions.rater_bias.classifier_masks import DrawnMask, apply_shifts
from overread.questions.rater_bias.classifier_training import (
    ClassifierEpoch,
    choose_epoch,
    predict_patches,
    train_classifier,
)
from overread.study.working_cases import WorkingCase
from overread.training.loop import Session
from overread.training.settings import ClassifierSettings

CPU = torch.device("cpu")
SETTINGS = ClassifierSettings(
    patch_size=(8, 8),
    features=(4, 8),
    epochs=3,
    steps_per_epoch=8,
    batch_size=8,
    learning_rate=0.01,
    centre_jitter=1,
    patches_per_case=6,
    precision="fp32",
)


def draw(case_id: str, source: int, generator: np.random.Generator) -> DrawnMask:
    """Source 0 draws a disc, source 1 a checkerboard of it, on an image that is 0 everywhere: only masks tell."""
    place = generator.integers(8, 16, 2)
    grid = np.indices((24, 24))
    disc = ((grid - place[:, None, None]) ** 2).sum(axis=0) < generator.integers(30, 50)
    mask = disc & (grid.sum(axis=0) % 2 == 0) if source else disc
    return DrawnMask(WorkingCase(case_id, np.zeros((1, 24, 24), np.float32), mask), source, source, f"rater{source}")


def draw_all(count: int, seed: int) -> list[DrawnMask]:
    generator = np.random.default_rng(seed)
    return [draw(f"case{seed}-{index}", source, generator) for index in range(count) for source in range(2)]


def compute_hit_rate(network: object, masks: Sequence[DrawnMask]) -> float:
    found = predict_patches(network, masks, settings=SETTINGS, device=CPU).argmax(axis=2)
    return float((found == np.array([mask.source for mask in masks])[:, None]).mean())


def make_session(folder: Path) -> Session[ClassifierEpoch]:
    folder.mkdir(exist_ok=True)
    return Session(CPU, folder / "c.pt", "f", lambda _: None)


def test_masks_alone_suffice(tmp_path: Path) -> None:
    network, reports = train_classifier(
        draw_all(4, 0), draw_all(2, 1), source_count=2, settings=SETTINGS, session=make_session(tmp_path)
    )
    assert compute_hit_rate(network, draw_all(4, 2)) > 0.9
    assert [report.epoch for report in reports] == [1, 2, 3]


def test_without_a_link_between_mask_and_label_it_is_at_chance(tmp_path: Path) -> None:
    """Whatever it makes of the masks, both sources' patches look alike to it where their labels are permuted evenly."""
    train = draw_all(4, 0)
    cases = list(dict.fromkeys(mask.case.case_id for mask in train))
    permuted = apply_shifts(train, dict(zip(cases, (0, 1, 0, 1), strict=True)), source_count=2)
    network, _ = train_classifier(
        permuted,
        draw_all(2, 1),
        source_count=2,
        settings=SETTINGS,
        session=make_session(tmp_path),
        spreads_validation_labels=True,
    )
    assert 0.3 < compute_hit_rate(network, draw_all(8, 2)) < 0.7


def test_the_weights_of_the_chosen_epoch_are_kept(tmp_path: Path) -> None:
    validation = draw_all(2, 1)
    network, reports = train_classifier(
        draw_all(4, 0), validation, source_count=2, settings=SETTINGS, session=make_session(tmp_path)
    )
    log_probabilities = predict_patches(network, validation, settings=SETTINGS, device=CPU)
    own = np.stack([rows[:, mask.source] for rows, mask in zip(log_probabilities, validation, strict=True)])
    chosen = reports[choose_epoch(reports) - 1]
    assert -own.mean() == pytest.approx(chosen.validation_loss, rel=1e-9)
    assert len({report.validation_loss for report in reports}) == 3


def test_the_best_hit_rate_chooses_the_epoch_then_the_lowest_loss() -> None:
    rates, losses = (0.5, 0.7, 0.7, 0.7, 0.6), (0.6, 2.0, 1.0, 1.0, 0.1)
    reports = [
        ClassifierEpoch(
            epoch=place,
            loss=1.0,
            learning_rate=0.1,
            seconds=1.0,
            validation_loss=loss,
            validation_hit_rate=rate,
        )
        for place, (rate, loss) in enumerate(zip(rates, losses, strict=True), start=1)
    ]
    assert choose_epoch(reports) == 3


def test_probabilities_of_a_patch_sum_to_one(tmp_path: Path) -> None:
    masks = draw_all(2, 1)
    network, _ = train_classifier(
        draw_all(2, 0), masks, source_count=2, settings=SETTINGS, session=make_session(tmp_path)
    )
    found = predict_patches(network, masks, settings=SETTINGS, device=CPU)
    assert found.shape == (4, 6, 2)
    np.testing.assert_allclose(np.exp(found).sum(axis=2), 1)


def test_equal_seeds_give_equal_classifiers_whatever_was_drawn_before(tmp_path: Path) -> None:
    masks, results = draw_all(2, 1), []
    for seed in (0, 0, 1):
        settings = SETTINGS.model_copy(update={"seed": seed, "epochs": 1})
        torch.rand(3)
        session = make_session(tmp_path / str(len(results)))
        network, _ = train_classifier(draw_all(2, 0), masks, source_count=2, settings=settings, session=session)
        results.append(network(torch.ones(1, 1, 8, 8), torch.ones(1, 1, 8, 8)))
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_masks_that_do_not_suffice_are_refused(tmp_path: Path) -> None:
    masks = draw_all(2, 0)
    with pytest.raises(InputError, match="masks of every source, and validation masks, got none of 1 sources"):
        train_classifier(masks[::2], masks, source_count=2, settings=SETTINGS, session=make_session(tmp_path))
    with pytest.raises(InputError, match="got no validation mask"):
        train_classifier(masks, [], source_count=2, settings=SETTINGS, session=make_session(tmp_path))
    solid = SETTINGS.model_copy(update={"patch_size": (8, 8, 8)})
    with pytest.raises(InputError, match=r"must have the 2 axes of the study, got \(8, 8, 8\)"):
        train_classifier(masks, masks, source_count=2, settings=solid, session=make_session(tmp_path))
