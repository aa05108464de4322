"""What was trained on what in `label-noise`, summed up per network and variant."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from overread.errors import InputError
from overread.labels.variant_record import CONTROL
from overread.questions.label_noise.results import LabelNoiseEvaluation, name_architecture
from overread.report.formatting import format_dice, format_duration, format_number, shorten_digest
from overread.report.table import Cell, CellContent, Column, Table
from overread.training.result import TrainingJob, TrainingResult


@dataclass(frozen=True)
class NoiseTrainings:
    """The trainings of a network on a variant.

    Attributes:
        network: architecture.
        variant: name of the labels learnt.
        results: by fold and repeat.
    """

    network: str
    variant: str
    results: tuple[TrainingResult, ...]

    @property
    def duration_seconds(self) -> float:
        """Sum over the trainings."""
        return sum(result.duration_seconds for result in self.results)

    @property
    def validation_dice(self) -> float:
        """Mean of the best validation Dice."""
        return float(np.mean([result.kept_validation_dice for result in self.results]))

    @property
    def parameter_counts(self) -> tuple[int, ...]:
        """Trainable parameters, each number once."""
        return tuple(sorted({result.parameter_count for result in self.results}))

    @property
    def epochs(self) -> tuple[int, int]:
        """Fewest and most epochs of a training."""
        counts = [result.epochs for result in self.results]
        return min(counts), max(counts)


def group_trainings(
    trainings: Sequence[TrainingResult], evaluation: LabelNoiseEvaluation
) -> tuple[NoiseTrainings, ...]:
    """Group trainings by network and variant, in the order of the evaluation.

    Raises:
        InputError: a training is of a network or on labels that are not of the evaluation.
    """
    groups: dict[tuple[str, str], list[TrainingResult]] = {
        (cell.network, cell.variant): [] for cell in evaluation.cells
    }
    for result in trainings:
        key = (result.job.network, name_job_variant(result.job, evaluation.source))
        if key not in groups:
            raise InputError(
                "each training must be of a network and a variant of the evaluation",
                found=f"{result.job.network} on {result.job.labels}",
            )
        groups[key].append(result)
    return tuple(
        NoiseTrainings(network, variant, tuple(sorted(found, key=lambda one: (one.job.fold, one.job.repeat))))
        for (network, variant), found in groups.items()
        if found
    )


def name_job_variant(job: TrainingJob, source: str) -> str:
    """Name of the variant of `source` that a job learns."""
    return CONTROL if job.labels == source else job.labels.removeprefix(f"{source}-")


def list_fold_cases(trainings: Sequence[TrainingResult]) -> list[TrainingJob]:
    """One job per fold and division of the cases, which networks, variants and repeats share."""
    jobs = sorted((result.job for result in trainings), key=lambda job: (job.fold, job.repeat, job.name))
    return list({(job.fold, job.train_cases, job.validation_cases, job.test_cases): job for job in jobs}.values())


def build_training_table(groups: Sequence[NoiseTrainings]) -> Table:
    """One row per network and variant."""
    return Table(
        label="Trainings per network and labels",
        columns=[
            "Network",
            "Labels learnt",
            Column("Networks", "number"),
            Column("Parameters", "number"),
            Column("Epochs", "number"),
            Column("Validation Dice, mean", "number"),
            Column("Training time", "number"),
        ],
        rows=[
            [
                name_architecture(group.network),
                group.variant,
                str(len(group.results)),
                ", ".join(format_number(count, 0) for count in group.parameter_counts),
                "–".join(dict.fromkeys(map(str, group.epochs))),
                format_dice(group.validation_dice),
                format_duration(group.duration_seconds),
            ]
            for group in groups
        ],
        empty="No trainings were reported.",
    )


def build_run_table(groups: Sequence[NoiseTrainings]) -> Table:
    """One row per training."""
    return Table(
        label="All trainings",
        columns=[
            "Network",
            "Labels learnt",
            Column("Fold", "number"),
            Column("Repeat", "number"),
            Column("Seed", "number"),
            Column("Train / validation / test", "number"),
            Column("Epochs (best)", "number"),
            Column("Validation Dice", "number"),
            Column("Time", "number"),
            Column("Voxels/s", "number"),
            "Device",
            "Fingerprint",
        ],
        rows=[
            [name_architecture(group.network), group.variant, *_describe_run(result)]
            for group in groups
            for result in group.results
        ],
        style="dense",
    )


def _describe_run(result: TrainingResult) -> list[CellContent]:
    job = result.job
    return [
        str(job.fold),
        str(job.repeat),
        str(job.seed),
        " / ".join(str(len(cases)) for cases in (job.train_cases, job.validation_cases, job.test_cases)),
        f"{result.epochs} ({result.kept_epoch})",
        format_dice(result.kept_validation_dice),
        format_duration(result.duration_seconds),
        format_number(result.voxels_per_second, 0),
        result.device,
        Cell(shorten_digest(result.fingerprint), "code"),
    ]


def build_fold_table(trainings: Sequence[TrainingResult]) -> Table:
    """The cases of each fold, by what they were for."""
    return Table(
        label="Cases of each fold",
        columns=[Column("Fold", "number"), "Learnt from", "Chose the best epoch", "Held out"],
        rows=[
            [str(job.fold), *(", ".join(cases) for cases in (job.train_cases, job.validation_cases, job.test_cases))]
            for job in list_fold_cases(trainings)
        ],
        style="dense",
    )
