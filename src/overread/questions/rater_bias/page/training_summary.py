"""What was trained on what, summed up per label set that was learnt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.report.formatting import format_dice, format_duration, format_number, shorten_digest
from overread.report.table import Cell, CellContent, Column, Table
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


def build_summary_table(trainings: Sequence[TrainingResult], sources: Sequence[str]) -> Table:
    """One row per label set that was learnt."""
    return Table(
        label="Trainings per source",
        columns=[
            "Network of",
            Column("Networks", "number"),
            Column("Folds", "number"),
            Column("Repeats", "number"),
            Column("Training cases per fold", "number"),
            Column("Validation Dice, mean", "number"),
            Column("Training time", "number"),
        ],
        rows=[
            [
                summary.labels,
                str(summary.network_count),
                str(summary.fold_count),
                str(summary.repeat_count),
                "–".join(dict.fromkeys(map(str, summary.train_counts))),
                format_dice(summary.validation_dice),
                format_duration(summary.duration_seconds),
            ]
            for summary in summarise_trainings(trainings, sources)
        ],
        empty="No trainings were reported.",
    )


def build_training_table(trainings: Sequence[TrainingResult], sources: Sequence[str]) -> Table:
    """One row per training."""
    return Table(
        label="All trainings",
        columns=[
            "Source",
            Column("Fold", "number"),
            Column("Repeat", "number"),
            Column("Seed", "number"),
            Column("Train / validation / test", "number"),
            Column("Epochs (best)", "number"),
            Column("Validation Dice", "number"),
            Column("Parameters", "number"),
            Column("Time", "number"),
            Column("Voxels/s", "number"),
            "Device",
            "Fingerprint",
        ],
        rows=[_describe_training(result) for result in sort_trainings(trainings, sources)],
        style="dense",
    )


def _describe_training(result: TrainingResult) -> list[CellContent]:
    job = result.job
    return [
        job.labels,
        str(job.fold),
        str(job.repeat),
        str(job.seed),
        " / ".join(str(len(cases)) for cases in (job.train_cases, job.validation_cases, job.test_cases)),
        f"{result.epochs} ({result.kept_epoch})",
        format_dice(result.kept_validation_dice),
        format_number(result.parameter_count, 0),
        format_duration(result.duration_seconds),
        format_number(result.voxels_per_second, 0),
        result.device,
        Cell(shorten_digest(result.fingerprint), "code"),
    ]


def build_fold_table(trainings: Sequence[TrainingResult], sources: Sequence[str]) -> Table:
    """The cases of each label set and fold, by what they were for."""
    return Table(
        label="Cases of each fold",
        columns=["Source", Column("Fold", "number"), "Learnt from", "Chose the best epoch", "Held out"],
        rows=[
            [
                job.labels,
                str(job.fold),
                *(", ".join(cases) for cases in (job.train_cases, job.validation_cases, job.test_cases)),
            ]
            for job in list_folds(trainings, sources)
        ],
        style="dense",
    )
