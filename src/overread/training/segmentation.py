"""Training a segmentation network on patches of cases."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from overread.evaluation.overlap import compute_dice
from overread.inference.settings import InferenceSettings
from overread.inference.sliding_window import predict_probability
from overread.networks.settings import count_network_dimensions
from overread.study.working_cases import WorkingCase
from overread.training.checkpoint import TrainingState
from overread.training.epoch_choice import EpochChoice
from overread.training.history import EpochReport
from overread.training.loop import Course, Session, anneal_cosine, seed_step, train
from overread.training.losses import BatchLoss
from overread.training.optimiser import AdamW
from overread.training.sampling import sample_batch
from overread.training.settings import TrainingSettings
from overread.types import Mask


@dataclass(frozen=True)
class Lesson:
    """What a network learns from, and how it is judged meanwhile.

    Attributes:
        draw_cases: what the loss sees in an epoch, counted from 0; equal epochs must give equal cases.
        validation_cases: cases that the loss does not see, with the masks that they are judged by.
        loss: what is minimised.
        choice: which epoch's weights are kept, and when the training ends early.
        learnt_masks: masks (*W) of validation cases as the labels that are learnt have them, where they are judged by
            others.
        measure_uncertainty: cumulative uncertainty of the network over its training cases, asked after every epoch;
            None to leave it out.
    """

    draw_cases: Callable[[int], Sequence[WorkingCase]]
    validation_cases: Sequence[WorkingCase]
    loss: BatchLoss
    choice: EpochChoice
    learnt_masks: Mapping[str, Mask] = field(default_factory=dict)
    measure_uncertainty: Callable[[nn.Module], float] | None = None


def train_segmentation(
    network: nn.Module,
    lesson: Lesson,
    *,
    settings: TrainingSettings,
    inference: InferenceSettings,
    seed: int,
    session: Session[EpochReport],
    start: TrainingState[EpochReport] | None = None,
) -> TrainingState[EpochReport]:
    """Train a network and leave in it the weights of the epoch that `lesson.choice` keeps.

    Args:
        network: freshly initialised, or with the weights that belong to `start`; trained in place.
        lesson: what to learn from.
        settings: the loop's settings.
        inference: how validation cases are predicted.
        seed: seeds sampling and dropout.
        session: where to train, and what to resume.
        start: epochs that the network has behind it, which count as the first ones of this training; None for none.

    Returns:
        The state at the end.

    Raises:
        TrainingError: see `train`; or the loss needs foreground and there is none.
    """
    return train(network, _SegmentationCourse(lesson, settings, inference, seed), session=session, start=start)


def compute_learning_rate(settings: TrainingSettings, step: int) -> float:
    """Step size of the optimiser at a step, counted from 0."""
    if settings.schedule == "constant":
        return settings.learning_rate
    return anneal_cosine(settings.learning_rate, step, settings.epochs * settings.steps_per_epoch)


@dataclass(frozen=True)
class _SegmentationCourse(Course[EpochReport]):
    lesson: Lesson
    settings: TrainingSettings
    inference: InferenceSettings
    seed: int

    report_type = EpochReport

    @property
    def epochs(self) -> int:
        return self.settings.epochs

    @property
    def dimensions(self) -> int:
        return count_network_dimensions(self.settings.sampling.patch_size)

    def build_optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        settings = self.settings
        return AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay, fused=True)

    def compute_losses(self, network: nn.Module, epoch: int, device: torch.device) -> Iterator[tuple[float, Tensor]]:
        cases, count = self.lesson.draw_cases(epoch), self.settings.steps_per_epoch
        for step in range(epoch * count, (epoch + 1) * count):
            image, mask = sample_batch(cases, self.settings, seed_step(self.seed, step), device)
            yield compute_learning_rate(self.settings, step), self.lesson.loss(network, image, mask, step)

    def validate(self, network: nn.Module, epoch: int, device: torch.device) -> Mapping[str, float | None]:
        """Mean Dice over the validation cases, on the working grid, with their masks and with those that are learnt."""
        if epoch % self.settings.validation_every and epoch != self.settings.epochs:
            return {"validation_dice": None}
        judged, learnt = [], []
        for case in self.lesson.validation_cases:
            probability = predict_probability(
                network,
                case.image,
                patch_size=self.settings.sampling.patch_size,
                settings=self.inference,
                precision=self.settings.precision,
                device=device,
            )
            predicted = probability > self.inference.threshold
            judged.append(compute_dice(case.mask, predicted))
            if case.case_id in self.lesson.learnt_masks:
                learnt.append(compute_dice(self.lesson.learnt_masks[case.case_id], predicted))
        return {
            "validation_dice": float(np.mean(judged)),
            "learnt_dice": float(np.mean(learnt)) if learnt else None,
        }

    def choose(self, reports: Sequence[EpochReport]) -> int:
        return self.lesson.choice.choose(reports)

    def is_over(self, reports: Sequence[EpochReport]) -> bool:
        return self.lesson.choice.is_over(reports)

    def watch(self, network: nn.Module) -> Mapping[str, float]:
        measure = self.lesson.measure_uncertainty
        return {} if measure is None else {"cumulative_uncertainty": measure(network)}
