"""How the trainings of `relabel` went, as its evaluation lists them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from overread.questions.relabel.results import MissingCorrection, PlainTraining, WatchedEpoch, WatchedTraining
from overread.questions.relabel.steps.correction_design import CorrectionDesign
from overread.questions.relabel.steps.correction_results import CorrectionResults
from overread.training.history import HISTORY_FILE, EpochReport, read_history
from overread.training.relabel_record import RelabelRecord
from overread.training.result import TrainingFailure, TrainingJob, TrainingResult

if TYPE_CHECKING:
    from overread.questions.relabel.evaluation import RelabelDesign


def describe_results(results: CorrectionResults) -> "RelabelDesign":
    """What was trained, relabelled and missed."""
    from overread.questions.relabel.evaluation import RelabelDesign

    design, trained = results.design, results.trained
    relabelling = [(job, folder) for job, folder in trained if design.find_role(job).correction == "relabel"]
    return RelabelDesign(
        source=design.variants.source,
        clean_source=design.clean_source,
        noises=design.noises,
        methods=design.methods,
        flips=design.flips,
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
        rule="fixed" if isinstance(record.rule, int) else record.rule,
        chosen_epoch=record.chosen_epoch,
        threshold=record.threshold,
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
        reason=failure.reason,
    )
