"""One training from start to end: cases in, a saved network and its result out."""

from pathlib import Path

import torch
from torch import nn

from overread.networks.build import count_parameters, save_network
from overread.networks.hardware import describe_device
from overread.study.study import Study
from overread.training.checkpoint import TrainingState
from overread.training.context import TrainingContext, draw_training_cases, read_job_cases
from overread.training.epoch_choice import BestValidation, LastEpoch
from overread.training.history import HISTORY_FILE, EpochReport, write_history
from overread.training.loop import Session
from overread.training.losses import build_batch_loss, build_reweighted_loss
from overread.training.presets import Preset
from overread.training.relabelled_training import train_with_relabelling
from overread.training.result import TrainingJob, TrainingResult
from overread.training.segmentation import Lesson, train_segmentation
from overread.training.settings import Relabelling


def run_training_job(
    study: Study, job: TrainingJob, preset: Preset, *, folder: Path, session: Session[EpochReport]
) -> TrainingResult:
    """Train the network of a job and save it, with its result, in `folder`.

    Cases that the source has not labelled are left out of training and validation.

    Raises:
        InputError: no case is left for one of the two.
        TrainingError: see `train`.
    """
    context = TrainingContext(study, job, preset, read_job_cases(study, job, preset.training), session)
    torch.manual_seed(job.seed)
    network = context.build_network()
    if isinstance(job.correction, Relabelling):
        state = train_with_relabelling(network, context, job.correction, folder=folder)
    else:
        state = train_segmentation(
            network,
            _build_lesson(context),
            settings=preset.training,
            inference=preset.inference,
            seed=job.seed,
            session=session,
        )
    save_network(folder, network, context.describe_network())
    write_history(folder / HISTORY_FILE, state.reports)
    result = _describe(context, network, state)
    result.write(folder)
    return result


def _build_lesson(context: TrainingContext) -> Lesson:
    job, cases, settings = context.job, context.cases, context.preset.training
    draw = draw_training_cases(context.study, job, cases.train)
    device = context.session.device
    if job.correction == "reweight":
        loss = build_reweighted_loss(settings, device, clean_cases=cases.validation, seed=job.seed)
    else:
        loss = build_batch_loss(settings, device, draw_first_cases=lambda: draw(0))
    return Lesson(
        draw_cases=draw,
        validation_cases=cases.validation,
        loss=loss,
        choice=LastEpoch() if job.keep == "last" else BestValidation(settings.patience),
        learnt_masks=cases.learnt_masks,
    )


def _describe(context: TrainingContext, network: nn.Module, state: TrainingState[EpochReport]) -> TrainingResult:
    settings, dice = context.preset.training, state.kept_validation_dice
    assert dice is not None, "the kept epoch is the last one, or was chosen by its validation"
    patch_voxels = int(torch.Size(settings.sampling.patch_size).numel())
    return TrainingResult(
        job=context.job,
        fingerprint=context.session.fingerprint,
        epochs=state.epoch,
        kept_epoch=state.kept_epoch,
        kept_validation_dice=dice,
        parameter_count=count_parameters(network),
        duration_seconds=state.seconds,
        voxels_per_second=patch_voxels * settings.batch_size * settings.steps_per_epoch * state.epoch / state.seconds,
        device=describe_device(context.session.device),
    )
