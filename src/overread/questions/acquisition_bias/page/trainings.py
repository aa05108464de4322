"""The tables of what was trained on what."""

from collections.abc import Sequence
from statistics import mean

from overread.questions.acquisition_bias.probe_folds import ProbeFold
from overread.questions.acquisition_bias.probe_settings import ProbeTraining
from overread.questions.acquisition_bias.results import VARIANT_TITLES
from overread.report.formatting import format_duration, format_number
from overread.report.table import Column, Table


def build_training_table(trainings: Sequence[ProbeTraining], epochs: int) -> Table:
    """One row per variant, and one for all its shuffles, in the order of the trainings.

    Args:
        trainings: one per variant, shuffle and round.
        epochs: of each training.
    """
    groups: dict[tuple[bool, str], list[ProbeTraining]] = {}
    for training in trainings:
        groups.setdefault((training.shuffle > 0, training.variant), []).append(training)
    return Table(
        label="Trainings of every variant",
        columns=[
            "What it sees",
            Column("Probes", "number"),
            Column("Parameters", "number"),
            Column("Cases learnt from", "number"),
            Column("Epochs kept", "number"),
            Column("Validation loss, mean", "number"),
            Column("Training time", "number"),
            "Device",
        ],
        rows=[_sum_up(group, epochs) for group in groups.values()],
    )


def _sum_up(group: Sequence[ProbeTraining], epochs: int) -> list[str]:
    return [
        f"{VARIANT_TITLES[group[0].variant]}{', shuffled classes' if group[0].shuffle else ''}",
        str(len(group)),
        format_number(group[0].parameter_count, 0),
        _write_range([one.train_count for one in group]),
        f"{_write_range([one.kept_epoch for one in group])} of {epochs}",
        format_number(mean(one.validation_loss for one in group), 3),
        format_duration(sum(one.duration_seconds for one in group)),
        ", ".join(dict.fromkeys(one.device for one in group)),
    ]


def _write_range(counts: Sequence[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"


def build_fold_table(folds: Sequence[ProbeFold]) -> Table:
    """The held-out cases of every round."""
    return Table(
        label="Cases of each fold",
        columns=[Column("Fold", "number"), "Held out"],
        rows=[[str(place), ", ".join(case.case_id for case in fold.test)] for place, fold in enumerate(folds)],
        style="dense",
    )
