"""Which trainings a run of `relabel` needs, and what each is for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from overread.inference.settings import UncertaintyMethod
from overread.labels.relabel_rules.names import RuleName
from overread.questions.relabel.results import (
    Correction,
    MissingCorrection,
    NoisyLabels,
    PlainTraining,
    WatchedEpoch,
    WatchedTraining,
)
from overread.questions.relabel.steps.choice import list_noises
from overread.runs.label_variants import LabelVariants
from overread.runs.plan import TrainingPlan
from overread.training.history import HISTORY_FILE, EpochReport, read_history
from overread.training.relabel_record import RelabelRecord
from overread.training.result import TrainingFailure, TrainingJob, TrainingResult
from overread.training.settings import Relabelling

if TYPE_CHECKING:
    from overread.questions.relabel.evaluation import RelabelDesign
    from overread.questions.relabel.steps.comparison import CorrectionResults


@dataclass(frozen=True)
class Role:
    """What a training stands for in the tables.

    Attributes:
        noise: which labels it learns; empty for clean ones.
        correction: what is done about them.
        method: how uncertainty is estimated; empty unless the correction is relabel.
    """

    noise: str
    correction: Correction
    method: str


@dataclass(frozen=True)
class CorrectionDesign:
    """The design of a run, as its plan and its label variants tell it.

    Attributes:
        plan: the trainings.
        variants: the labels that they learn.
    """

    plan: TrainingPlan
    variants: LabelVariants

    @property
    def noises(self) -> tuple[NoisyLabels, ...]:
        """Labels that are repaired."""
        return list_noises(self.variants)

    @property
    def clean_source(self) -> str:
        """What counts as clean; empty where nothing does."""
        return self.plan.jobs[0].validation_source

    @property
    def methods(self) -> tuple[UncertaintyMethod, ...]:
        """How uncertainty is estimated, the main method first."""
        found = (job.correction.uncertainty.method for job in self.plan.jobs if isinstance(job.correction, Relabelling))
        return tuple(dict.fromkeys(found))

    @property
    def rule(self) -> RuleName:
        """How masks are changed, the same for all trainings."""
        return next(job.correction.rule for job in self.plan.jobs if isinstance(job.correction, Relabelling))

    def find_role(self, job: TrainingJob) -> Role:
        """What a training stands for."""
        noise = next((labels.name for labels in self.noises if labels.source == job.source), "")
        if isinstance(job.correction, Relabelling):
            return Role(noise, "relabel", job.correction.uncertainty.method)
        if job.correction == "reweight":
            return Role(noise, "reweight", "")
        return Role(noise, "none" if noise else "clean", "")

    def list_jobs(self, role: Role) -> tuple[TrainingJob, ...]:
        """The trainings that stand for the same, one per repeat and fold."""
        return tuple(job for job in self.plan.jobs if self.find_role(job) == role)


def describe_results(results: "CorrectionResults") -> "RelabelDesign":
    """What was trained, relabelled and missed."""
    from overread.questions.relabel.evaluation import RelabelDesign

    design, trained = results.design, results.trained
    relabelling = [(job, folder) for job, folder in trained if design.find_role(job).correction == "relabel"]
    return RelabelDesign(
        source=design.variants.source,
        clean_source=design.clean_source,
        noises=design.noises,
        methods=design.methods,
        folds=design.plan.folds,
        repeats=design.plan.repeats,
        rule=design.rule,
        watched=tuple(_describe_watched(design, job, folder) for job, folder in relabelling),
        plain=tuple(_describe_plain(design, *item) for item in trained if item not in relabelling),
        sources=results.sources.sources,
        missing=tuple(_describe_missing(design, failure) for failure in results.failures),
    )


def _describe_watched(design: CorrectionDesign, job: TrainingJob, folder: Path) -> WatchedTraining:
    role, record = design.find_role(job), RelabelRecord.read(folder)
    after = [report for report in read_history(folder / HISTORY_FILE) if report.epoch > record.chosen_epoch]
    return WatchedTraining(
        noise=role.noise,
        method=role.method,
        fold=job.fold,
        repeat=job.repeat,
        rule="fixed" if isinstance(record.rule, int) else record.rule,
        chosen_epoch=record.chosen_epoch,
        threshold=record.threshold,
        change=record.repair.change.describe(),
        clean_label_count=len(record.repair.clean_case_ids),
        remark=_word_remark(record),
        watched=_describe_epochs(design, job, record.watched),
        continued=_describe_epochs(design, job, after),
        training_seconds=record.training_seconds,
        uncertainty_seconds=record.uncertainty_seconds,
        estimate_count=record.estimate_count,
    )


def _describe_plain(design: CorrectionDesign, job: TrainingJob, folder: Path) -> PlainTraining:
    role = design.find_role(job)
    return PlainTraining(
        noise=role.noise,
        correction=role.correction,
        fold=job.fold,
        repeat=job.repeat,
        training_seconds=TrainingResult.read(folder).duration_seconds,
        epochs=_describe_epochs(design, job, read_history(folder / HISTORY_FILE)),
    )


def _describe_epochs(
    design: CorrectionDesign, job: TrainingJob, reports: Sequence[EpochReport]
) -> tuple[WatchedEpoch, ...]:
    """Without a clean source the validation cases are judged by the labels that are learnt."""
    has_clean = bool(design.clean_source)
    is_clean = job.source == design.clean_source
    return tuple(
        WatchedEpoch(
            epoch=report.epoch,
            loss=report.loss,
            cumulative_uncertainty=report.cumulative_uncertainty,
            clean_dice=report.validation_dice if has_clean else None,
            noisy_dice=None if is_clean else report.learnt_dice if has_clean else report.validation_dice,
        )
        for report in reports
    )


def _describe_missing(design: CorrectionDesign, failure: TrainingFailure) -> MissingCorrection:
    role = design.find_role(failure.job)
    return MissingCorrection(
        noise=role.noise,
        correction=role.correction,
        method=role.method,
        fold=failure.job.fold,
        repeat=failure.job.repeat,
        reason=failure.reason,
    )


def _word_remark(record: RelabelRecord) -> str:
    return "; ".join(text for text in (record.repair.remark, record.stopped and f"stopped: {record.stopped}") if text)
