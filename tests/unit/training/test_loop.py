"""The training loop, on small 2D blocks."""

from collections.abc import Callable, Sequence
from math import cos, exp, log, pi
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from overread.errors import TrainingError
from overread.inference.settings import InferenceSettings
from overread.networks.build import build_network
from overread.networks.settings import Architecture, NetworkSettings
from overread.study.working_cases import WorkingCase
from overread.training.checkpoint import TrainingState
from overread.training.epoch_choice import BestValidation
from overread.training.history import EpochReport
from overread.training.loop import Session
from overread.training.losses import build_batch_loss
from overread.training.segmentation import Lesson, compute_learning_rate, train_segmentation
from overread.training.settings import SamplingSettings, TrainingSettings

SAMPLING = SamplingSettings(patch_size=(8, 8), flip_axes=(0, 1), rotation_degrees=20.0, noise_std=0.1)
SETTINGS = TrainingSettings(epochs=4, steps_per_epoch=3, batch_size=2, learning_rate=0.02, sampling=SAMPLING)


def make_cases(count: int = 3) -> tuple[WorkingCase, ...]:
    generator = np.random.default_rng(0)
    cases = []
    for index in range(count):
        mask = np.zeros((12, 12), np.bool_)
        mask[index : index + 6, 2:9] = True
        image = generator.normal(0, 0.3, (1, 12, 12)) + mask
        cases.append(WorkingCase(str(index), image.astype(np.float32), mask))
    return tuple(cases)


def build(seed: int = 0, architecture: Architecture = "unet") -> nn.Module:
    torch.manual_seed(seed)
    settings = NetworkSettings(architecture=architecture, channels=(4, 8), dropout=0.5)
    return build_network(settings, dimensions=2, channel_count=1)


def run(
    network: nn.Module,
    checkpoint: Path,
    settings: TrainingSettings = SETTINGS,
    *,
    cases: Sequence[WorkingCase] = (),
    draw_cases: Callable[[int], Sequence[WorkingCase]] | None = None,
    seed: int = 0,
    fingerprint: str = "f",
    on_epoch: Callable[[Sequence[EpochReport]], None] = lambda _: None,
) -> TrainingState[EpochReport]:
    draw = draw_cases or (lambda _: cases or make_cases())
    return train_segmentation(
        network,
        make_lesson(draw, make_cases(1), settings),
        settings=settings,
        inference=InferenceSettings(),
        seed=seed,
        session=Session(torch.device("cpu"), checkpoint, fingerprint, on_epoch),
    )


def make_lesson(
    draw_cases: Callable[[int], Sequence[WorkingCase]],
    validation_cases: Sequence[WorkingCase],
    settings: TrainingSettings,
) -> Lesson:
    loss = build_batch_loss(settings, torch.device("cpu"), draw_first_cases=lambda: draw_cases(0))
    return Lesson(draw_cases, validation_cases, loss, BestValidation(settings.patience))


def change(**values: Any) -> TrainingSettings:
    return SETTINGS.model_copy(update=values)


def copy_weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: weight.clone() for name, weight in network.state_dict().items()}


def are_equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether two sets of weights are the same bit for bit."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class TestLearningRate:
    def test_stays_when_constant(self) -> None:
        assert [compute_learning_rate(change(learning_rate=0.1), step) for step in (0, 7, 11)] == [0.1] * 3

    def test_falls_as_a_half_cosine_over_all_steps(self) -> None:
        """Four steps of two epochs: 0.1 × (1 + cos(0, 45, 90, 135 degrees)) / 2."""
        settings = change(learning_rate=0.1, schedule="cosine", epochs=2, steps_per_epoch=2)
        rates = [compute_learning_rate(settings, step) for step in range(4)]
        assert rates == pytest.approx([0.1, 0.085355339, 0.05, 0.014644661])

    def test_is_reported_for_the_last_step_of_each_epoch(self, tmp_path: Path) -> None:
        settings = change(learning_rate=0.1, schedule="cosine", epochs=2, steps_per_epoch=2)
        state = run(build(), tmp_path / "c.pt", settings)
        expected = [0.05 * (1 + cos(pi / 4)), 0.05 * (1 + cos(3 * pi / 4))]
        assert [report.learning_rate for report in state.reports] == pytest.approx(expected)


class TestStep:
    """One step of a single weight; Adam's first step has the size of the learning rate, whatever the gradient."""

    @pytest.mark.parametrize(("decay", "expected"), [(0.0, 0.5 + 0.01), (0.1, 0.5 * (1 - 0.001) + 0.01)])
    def test_is_adam_with_decoupled_weight_decay(self, tmp_path: Path, decay: float, expected: float) -> None:
        network = nn.Conv2d(1, 1, 1, bias=False)
        nn.init.constant_(network.weight, 0.5)
        bright = WorkingCase("c", np.ones((1, 12, 12), np.float32), np.ones((12, 12), np.bool_))
        settings = change(
            epochs=1,
            steps_per_epoch=1,
            learning_rate=0.01,
            weight_decay=decay,
            precision="fp32",
            sampling=SamplingSettings(patch_size=(4, 4)),
        )
        run(network, tmp_path / "c.pt", settings, cases=[bright])
        assert network.weight.item() == pytest.approx(expected, abs=1e-6)


class TestTraining:
    def test_learns_the_blocks(self, tmp_path: Path) -> None:
        settings = change(epochs=12, steps_per_epoch=10, loss="dice_cross_entropy")
        torch.manual_seed(0)
        network = build_network(NetworkSettings(channels=(4, 8)), dimensions=2, channel_count=1)
        state = run(network, tmp_path / "c.pt", settings)
        assert (state.kept_validation_dice or 0) > 0.9
        assert state.reports[-1].loss < state.reports[0].loss

    def test_leaves_the_weights_of_the_best_epoch(self, tmp_path: Path) -> None:
        network, seen = build(), []
        state = run(network, tmp_path / "c.pt", on_epoch=lambda _: seen.append(copy_weights(network)))
        dice = [report.validation_dice for report in state.reports]
        assert state.kept_validation_dice == max(value for value in dice if value is not None)
        assert dice[state.kept_epoch - 1] == state.kept_validation_dice
        assert are_equal(copy_weights(network), seen[state.kept_epoch - 1])

    def test_stops_when_validation_has_not_improved_for_as_long_as_its_patience(self, tmp_path: Path) -> None:
        settings = change(epochs=50, learning_rate=1e-30, patience=3)
        network = nn.Conv2d(1, 1, 1)
        state = run(network, tmp_path / "c.pt", settings)
        assert (state.epoch, state.kept_epoch) == (4, 1)

    def test_validates_at_the_asked_epochs_and_at_the_last(self, tmp_path: Path) -> None:
        state = run(build(), tmp_path / "c.pt", change(epochs=5, validation_every=2))
        assert [report.validation_dice is not None for report in state.reports] == [False, True, False, True, True]

    def test_reports_every_epoch_with_those_before_it(self, tmp_path: Path) -> None:
        counts: list[list[int]] = []
        run(build(), tmp_path / "c.pt", on_epoch=lambda reports: counts.append([report.epoch for report in reports]))
        assert counts == [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4]]

    def test_another_seed_gives_other_weights_and_the_same_seed_the_same(self, tmp_path: Path) -> None:
        networks = [build() for _ in range(3)]
        for name, seed, network in zip("abc", (0, 0, 1), networks, strict=True):
            run(network, tmp_path / f"{name}.pt", seed=seed)
        first, again, other = map(copy_weights, networks)
        assert are_equal(first, again)
        assert not are_equal(first, other)

    def test_sees_the_cases_of_each_epoch(self, tmp_path: Path) -> None:
        """A wrong answer to an image of ones costs ln(1 + e^b) with labels of 0 and ln(1 + e^-b) with labels of 1."""
        network = nn.Conv2d(1, 1, 1)
        nn.init.zeros_(network.weight)
        nn.init.constant_(network.bias, 2.0)
        asked: list[int] = []

        def draw(epoch: int) -> Sequence[WorkingCase]:
            asked.append(epoch)
            mask = np.full((12, 12), epoch % 2 == 1)
            return [WorkingCase("c", np.zeros((1, 12, 12), np.float32), mask)]

        settings = change(
            epochs=3,
            learning_rate=1e-9,
            precision="fp32",
            sampling=SamplingSettings(patch_size=(4, 4), keep_inside=True),
        )
        state = run(network, tmp_path / "c.pt", settings, draw_cases=draw)
        assert asked == [0, 1, 2]
        empty, full = log(1 + exp(2)), log(1 + exp(-2))
        assert [report.loss for report in state.reports] == pytest.approx([empty, full, empty], rel=1e-4)

    def test_balances_by_the_foreground_of_the_first_epoch(self, tmp_path: Path) -> None:
        """Foreground everywhere in the first epoch keeps every voxel of the second, which has none: ln(1 + e^0)."""
        network = nn.Conv2d(1, 1, 1)
        nn.init.zeros_(network.weight)
        nn.init.zeros_(network.bias)

        def draw(epoch: int) -> Sequence[WorkingCase]:
            return [WorkingCase("c", np.zeros((1, 12, 12), np.float32), np.full((12, 12), epoch == 0))]

        settings = change(epochs=2, learning_rate=1e-9, precision="fp32", loss="balanced_cross_entropy")
        state = run(network, tmp_path / "c.pt", settings, draw_cases=draw)
        assert state.reports[1].loss == pytest.approx(log(2), rel=1e-4)

    @pytest.mark.parametrize("architecture", ["unet", "segnet", "fcn32"])
    def test_learns_the_slices_of_a_volume_with_a_network_in_2d(
        self, tmp_path: Path, architecture: Architecture
    ) -> None:
        flat = make_cases(1)[0]
        image = np.repeat(flat.image[..., None], 5, axis=-1)
        mask = np.repeat(flat.mask[..., None], 5, axis=-1)
        image[..., 3:], mask[..., 3:] = 0, False
        torch.manual_seed(0)
        shape = NetworkSettings(architecture=architecture, channels=(8, 16))
        network = build_network(shape, dimensions=2, channel_count=1)
        sampling = SamplingSettings(patch_size=(12, 12, 1), keep_inside=True, flip_axes=(0, 2), rotation_degrees=10)
        settings = change(epochs=4, steps_per_epoch=12, batch_size=4, loss="dice_cross_entropy", sampling=sampling)
        cases = [WorkingCase("c", image, mask)]
        state = train_segmentation(
            network,
            make_lesson(lambda _: cases, cases, settings),
            settings=settings,
            inference=InferenceSettings(),
            seed=0,
            session=Session(torch.device("cpu"), tmp_path / "c.pt", "f", lambda _: None),
        )
        assert (state.kept_validation_dice or 0) > 0.85

    def test_breaks_off_without_a_checkpoint_when_the_loss_is_not_finite(self, tmp_path: Path) -> None:
        broken = WorkingCase("c", np.full((1, 12, 12), np.inf, np.float32), np.ones((12, 12), np.bool_))
        with pytest.raises(TrainingError, match="the loss must stay finite, got nan in epoch 1"):
            run(build(), tmp_path / "c.pt", cases=[broken])
        assert list(tmp_path.iterdir()) == []


class InterruptionError(Exception):
    """Stands for whatever ends a process between two epochs."""


def run_interrupted(network: nn.Module, checkpoint: Path, settings: TrainingSettings, after: int) -> None:
    def interrupt(reports: Sequence[EpochReport]) -> None:
        if len(reports) == after:
            raise InterruptionError

    with pytest.raises(InterruptionError):
        run(network, checkpoint, settings, on_epoch=interrupt)


class TestInterruptedTraining:
    @pytest.mark.parametrize(
        ("precision", "after", "loss", "architecture"),
        [
            ("bf16", 1, "cross_entropy", "unet"),
            ("fp32", 3, "cross_entropy", "unet"),
            ("bf16", 1, "balanced_cross_entropy", "segnet"),
            ("fp32", 2, "balanced_cross_entropy", "fcn32"),
        ],
    )
    def test_ends_with_exactly_the_weights_of_one_that_was_not_interrupted(
        self, tmp_path: Path, precision: str, after: int, loss: str, architecture: Architecture
    ) -> None:
        settings = change(precision=precision, schedule="cosine", weight_decay=0.01, loss=loss)
        whole, resumed = build(architecture=architecture), build(seed=99, architecture=architecture)
        expected = run(whole, tmp_path / "whole.pt", settings)
        run_interrupted(build(architecture=architecture), tmp_path / "c.pt", settings, after)
        state = run(resumed, tmp_path / "c.pt", settings)

        assert are_equal(copy_weights(resumed), copy_weights(whole))
        assert (state.kept_epoch, state.kept_validation_dice) == (expected.kept_epoch, expected.kept_validation_dice)
        losses = [[report.loss for report in found.reports] for found in (state, expected)]
        assert losses[0] == losses[1]

    def test_tells_of_the_epochs_before_the_interruption(self, tmp_path: Path) -> None:
        run_interrupted(build(), tmp_path / "c.pt", SETTINGS, 2)
        told: list[list[int]] = []
        run(build(), tmp_path / "c.pt", on_epoch=lambda reports: told.append([report.epoch for report in reports]))
        assert told == [[1, 2, 3], [1, 2, 3, 4]]

    def test_counts_its_patience_on(self, tmp_path: Path) -> None:
        settings = change(epochs=50, learning_rate=1e-30, patience=3)
        torch.manual_seed(0)
        network = nn.Conv2d(1, 1, 1)
        run_interrupted(network, tmp_path / "c.pt", settings, 3)
        assert run(network, tmp_path / "c.pt", settings).epoch == 4

    def test_that_had_done_all_its_epochs_only_takes_its_best_weights(self, tmp_path: Path) -> None:
        finished, again = build(), build(seed=99)
        run(finished, tmp_path / "c.pt")
        run(again, tmp_path / "c.pt", on_epoch=lambda _: pytest.fail("no epoch is left"))
        assert are_equal(copy_weights(again), copy_weights(finished))

    def test_refuses_the_checkpoint_of_another_training(self, tmp_path: Path) -> None:
        run(build(), tmp_path / "c.pt")
        with pytest.raises(TrainingError, match="must belong to the training that resumes it"):
            run(build(), tmp_path / "c.pt", fingerprint="another")
