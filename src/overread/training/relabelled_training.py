"""Training with relabelling on the way (Redekop and Chernyavskiy 2021)."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from overread.inference.uncertainty import estimate_uncertainty
from overread.inference.uncertainty_maps import UncertaintyMaps, read_uncertainty, write_uncertainty
from overread.labels.relabelling import RelabelSettings, choose_threshold, relabel_case
from overread.networks.build import save_network
from overread.networks.ensemble import list_members
from overread.study.rasters import write_mask
from overread.study.working_cases import WorkingCase, resample_mask
from overread.training.checkpoint import TrainingState
from overread.training.context import TrainingContext
from overread.training.epoch_choice import LastEpoch
from overread.training.history import EpochReport
from overread.training.loop import copy_weights
from overread.training.losses import build_batch_loss
from overread.training.relabel_record import UNCERTAINTY_FOLDER, CaseChange, RelabelRecord, open_relabelled
from overread.training.segmentation import Lesson, train_segmentation
from overread.training.settings import Relabelling
from overread.training.watched_training import train_until_relabelling


def estimate_maps(
    members: Sequence[nn.Module], context: TrainingContext, relabelling: Relabelling, folder: Path
) -> None:
    """Write the uncertainty of all cases of a job that its source has labelled, on their own grids.

    Args:
        members: the networks that estimate it together.
        context: the training.
        relabelling: how to estimate it.
        folder: gets the maps, see `write_uncertainty`.
    """
    study = context.study
    with tempfile.TemporaryDirectory(prefix="overread-members-") as scratch:
        places = [Path(scratch) / str(index) for index in range(len(members))]
        for member, place in zip(members, places, strict=True):
            save_network(place, member, context.describe_network())
        for case_id in _list_cases(context):
            maps = estimate_uncertainty(
                study,
                case_id,
                places,
                settings=relabelling.uncertainty,
                inference=context.preset.inference,
                device=context.session.device,
            )
            write_uncertainty(folder / UNCERTAINTY_FOLDER, case_id, maps, study.read_affine(case_id))


def relabel_masks(
    context: TrainingContext, relabelling: Relabelling, folder: Path
) -> tuple[float, dict[str, CaseChange]]:
    """Write the relabelled masks of the cases whose maps are in `folder`.

    Returns:
        The threshold, which all training maps together choose where none is given, and what became of each mask.
    """
    study, noisy = context.study, context.study.labels(context.job.source)
    relabelled = open_relabelled(folder, study.suffix)

    def read(case_id: str) -> UncertaintyMaps:
        return read_uncertainty(folder / UNCERTAINTY_FOLDER, case_id, study.suffix)

    trained = noisy.select_labelled(context.job.train_cases)
    threshold = relabelling.threshold or choose_threshold(read(case_id).aleatoric for case_id in trained)
    settings = RelabelSettings(threshold=threshold, flips=relabelling.flips, largest_change=relabelling.largest_change)
    changes = {}
    for case_id in _list_cases(context):
        maps = read(case_id)
        case = relabel_case(noisy.read(case_id), maps.aleatoric, settings, probability=maps.probability)
        write_mask(relabelled.path(case_id), case.mask, study.read_affine(case_id))
        changes[case_id] = CaseChange(
            changed_count=case.changed_count, changed_share=case.changed_share, is_kept=case.is_kept
        )
    return threshold, changes


def _list_cases(context: TrainingContext) -> tuple[str, ...]:
    job = context.job
    return context.study.labels(job.source).select_labelled([*job.train_cases, *job.validation_cases])


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
