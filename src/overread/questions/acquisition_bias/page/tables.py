"""The rows of the tables, beside the paper's."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean
from typing import NamedTuple

from overread.questions.acquisition_bias.matching import ClassProfile, Matching
from overread.questions.acquisition_bias.probe_settings import ProbeTraining
from overread.report.formatting import ABSENT, format_number

PAPER_PRESET = "name-that-manufacturer"


class PaperScore(NamedTuple):
    """A row of the paper: accuracy and AUROC, mean ± what the paper calls variance, and accuracy by class, as text."""

    name: str
    accuracy: str
    auroc: str
    siemens: str
    ge: str


PAPER_SCORES = (
    PaperScore("All models, on average", "95 ± 4 %", "–", "–", "–"),
    PaperScore("Model 1", "98.11 ± 0.65 %", "0.99 ± 0.01", "100 %", "96.21 ± 1.31 %"),
    PaperScore("Model 2", "98.86 ± 1.25 %", "0.99 ± 0.01", "100 %", "97.72 ± 2.21 %"),
)
"""Results section and table 2: head CT of 684 series, 66 of them tested on 4 packages of 3 slices."""


@dataclass(frozen=True)
class MatchingRow:
    """Age and sex of a class before or after matching, as text."""

    stage: str
    label: str
    subjects: int
    cases: int
    age: str
    sexes: str
    bands: str


@dataclass(frozen=True)
class TrainingRow:
    """The trainings of one variant.

    Attributes:
        variant: what the probes saw.
        probe_count: probes trained.
        parameter_count: trainable parameters of each.
        train_counts: smallest and largest number of cases learnt from.
        kept_epochs: smallest and largest epoch that was kept.
        validation_loss: mean over the probes.
        duration_seconds: sum over the probes.
        devices: where they were trained.
    """

    variant: str
    probe_count: int
    parameter_count: int
    train_counts: tuple[int, int]
    kept_epochs: tuple[int, int]
    validation_loss: float
    duration_seconds: float
    devices: tuple[str, ...]


def build_matching_rows(matching: Matching) -> tuple[MatchingRow, ...]:
    """One row per class, before and, where something was matched, after."""
    stages = [("in the study", matching.before)]
    if matching.outcome == "matched":
        stages.append(("matched", matching.after))
    return tuple(_describe(stage, profile) for stage, profiles in stages for profile in profiles)


def build_training_rows(trainings: Sequence[ProbeTraining]) -> tuple[TrainingRow, ...]:
    """One row per variant, in the order of the trainings."""
    variants = dict.fromkeys(training.variant for training in trainings)
    return tuple(_sum_up([training for training in trainings if training.variant == name]) for name in variants)


def _describe(stage: str, profile: ClassProfile) -> MatchingRow:
    age = format_number(profile.age_mean, 1)
    if profile.age_std is not None:
        age += f" ± {format_number(profile.age_std, 1)}"
    return MatchingRow(
        stage=stage,
        label=profile.label,
        subjects=profile.subject_count,
        cases=profile.case_count,
        age=age,
        sexes=_list_counts(profile.sexes),
        bands=_list_counts(profile.bands),
    )


def _list_counts(counts: dict[str, int]) -> str:
    if set(counts) <= {"unknown"}:
        return ABSENT
    return ", ".join(f"{name}: {count}" for name, count in counts.items())


def _sum_up(group: Sequence[ProbeTraining]) -> TrainingRow:
    train, kept = [one.train_count for one in group], [one.kept_epoch for one in group]
    return TrainingRow(
        variant=group[0].variant,
        probe_count=len(group),
        parameter_count=group[0].parameter_count,
        train_counts=(min(train), max(train)),
        kept_epochs=(min(kept), max(kept)),
        validation_loss=mean(one.validation_loss for one in group),
        duration_seconds=sum(one.duration_seconds for one in group),
        devices=tuple(dict.fromkeys(one.device for one in group)),
    )
