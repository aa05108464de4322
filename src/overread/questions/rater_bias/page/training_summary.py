"""What was trained on what, summed up per label set that was learnt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.training.result import TrainingJob, TrainingResult


@dataclass(frozen=True)
class TrainingSummary:
    """The trainings on one label set.

    Attributes:
        labels: what was learnt: a source, or a source with labels of another added.
        network_count: networks trained.
        fold_count: folds of the cross-validation.
        repeat_count: random initialisations per fold.
        train_counts: smallest and largest number of training examples of a fold.
        validation_dice: mean of the best validation Dice over the networks.
        duration_seconds: sum over the networks.
    """

    labels: str
    network_count: int
    fold_count: int
    repeat_count: int
    train_counts: tuple[int, int]
    validation_dice: float
    duration_seconds: float


def summarise_trainings(trainings: Sequence[TrainingResult], sources: Sequence[str]) -> tuple[TrainingSummary, ...]:
    """Sum up the trainings on each label set, sources in the order of `sources` and all others after them."""
    names = dict.fromkeys(result.job.labels for result in sort_trainings(trainings, sources))
    return tuple(_sum_up([result for result in trainings if result.job.labels == name]) for name in names)


def sort_trainings(trainings: Sequence[TrainingResult], sources: Sequence[str]) -> list[TrainingResult]:
    """Sort by what was learnt, fold and repeat."""
    place = {source: index for index, source in enumerate(sources)}
    return sorted(trainings, key=lambda result: (place.get(result.job.labels, len(place)), *_key(result)))


def list_folds(trainings: Sequence[TrainingResult], sources: Sequence[str]) -> list[TrainingJob]:
    """One job of each label set and fold; its repeats learn from and are held out from the same cases."""
    jobs = (result.job for result in sort_trainings(trainings, sources))
    return list({(job.labels, job.fold): job for job in jobs}.values())


def _key(result: TrainingResult) -> tuple[str, int, int]:
    return result.job.labels, result.job.fold, result.job.repeat


def _sum_up(group: Sequence[TrainingResult]) -> TrainingSummary:
    jobs = [result.job for result in group]
    train_counts = [len(job.train_cases) + (len(job.added.cases) if job.added else 0) for job in jobs]
    return TrainingSummary(
        labels=group[0].job.labels,
        network_count=len(group),
        fold_count=len({result.job.fold for result in group}),
        repeat_count=len({result.job.repeat for result in group}),
        train_counts=(min(train_counts), max(train_counts)),
        validation_dice=float(np.mean([result.kept_validation_dice for result in group])),
        duration_seconds=sum(result.duration_seconds for result in group),
    )
