"""Training with relabelling on the way (Redekop and Chernyavskiy 2021)."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from overread.networks.ensemble import list_members
from overread.study.resampling import resample_mask
from overread.study.working_cases import WorkingCase
from overread.training.batch_loss import build_batch_loss
from overread.training.checkpoint import TrainingState
from overread.training.context import TrainingContext
from overread.training.correction_settings import Relabelling
from overread.training.epoch_choice import LastEpoch
from overread.training.history import EpochReport
from overread.training.loop import copy_weights
from overread.training.mask_relabelling import estimate_maps, relabel_masks
from overread.training.relabel_record import RelabelRecord, open_relabelled
from overread.training.segmentation import Lesson, train_segmentation
from overread.training.watched_training import train_until_relabelling


def train_with_relabelling(
    network: nn.Module, context: TrainingContext, relabelling: Relabelling, *, folder: Path
) -> TrainingState[EpochReport]:
    """Train with the labels as they are, relabel them with the network of the chosen epoch, and go on with the new.

    The masks of all cases of the job that its source has labelled are relabelled, so that those of validation cases are
    known too; the loss sees training cases only. The network of the last epoch is kept. The optimiser begins anew after
    relabelling; its step size goes on where it was. Of several networks that estimated uncertainty the first goes on.

    Args:
        network: freshly initialised; trained in place.
        context: the training.
        relabelling: when and how to relabel.
        folder: gets the new masks, the uncertainty maps and the record.

    Returns:
        The state at the end; its epochs are those up to the chosen one and those after relabelling.
    """
    watched, before = train_until_relabelling(network, context, relabelling)
    started = time.perf_counter()
    estimate_maps(list_members(watched), context, relabelling, folder)
    seconds = time.perf_counter() - started
    threshold, changes = relabel_masks(context, relabelling, folder)
    start = replace(
        before,
        epoch=before.kept_epoch,
        reports=before.reports[: before.kept_epoch],
        kept_weights=copy_weights(network),
    )
    after = _go_on(network, context, folder, start)
    estimates = len(before.reports) * len(context.cases.train) + len(changes)
    RelabelRecord(
        rule=relabelling.after,
        chosen_epoch=before.kept_epoch,
        threshold=threshold,
        watched=before.reports,
        training_seconds=after.seconds,
        uncertainty_seconds=before.watching_seconds + seconds,
        estimate_count=estimates,
        cases=changes,
    ).write(folder)
    return after


def _go_on(
    network: nn.Module, context: TrainingContext, folder: Path, start: TrainingState[EpochReport]
) -> TrainingState[EpochReport]:
    cases, settings = context.cases, context.preset.training
    masks = open_relabelled(folder, context.study.suffix)
    train_cases: Sequence[WorkingCase] = [
        replace(case, mask=resample_mask(masks.read(case.case_id), case.mask.shape)) for case in cases.train
    ]
    lesson = Lesson(
        draw_cases=lambda _: train_cases,
        validation_cases=cases.validation,
        loss=build_batch_loss(settings, context.session.device, draw_first_cases=lambda: train_cases),
        choice=LastEpoch(),
        learnt_masks=cases.learnt_masks,
    )
    return train_segmentation(
        network,
        lesson,
        settings=settings,
        inference=context.preset.inference,
        seed=context.job.seed,
        session=context.session,
        start=start,
    )
