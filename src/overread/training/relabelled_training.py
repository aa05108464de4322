"""Training with relabelling on the way (Redekop and Chernyavskiy 2021)."""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from overread.inference.uncertainty import estimate_uncertainty
from overread.inference.uncertainty_maps import read_uncertainty, write_uncertainty
from overread.labels.relabel_rules.change import RuleCase
from overread.labels.relabel_rules.rule import Evidence, SettledRule
from overread.labels.relabel_rules.select import select_rule
from overread.labels.relabelling import RelabelSettings, relabel_case
from overread.networks.build import save_network
from overread.networks.ensemble import list_members
from overread.study.rasters import write_mask
from overread.study.study import Study
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
) -> tuple[SettledRule, str, dict[str, CaseChange]]:
    """Write the relabelled masks of the cases whose maps are in `folder`.

    Returns:
        The change that all of them together chose; why it was not made, or nothing; and what became of each mask.
    """
    study, noisy = context.study, context.study.labels(context.job.source)
    read = build_case_reader(study, context.job.source, folder)
    settled = select_rule(relabelling.rule, relabelling.threshold).settle(
        _build_evidence(context, read), relabelling.guards
    )
    settings = RelabelSettings(change=settled.change, guards=relabelling.guards)
    relabelled, changes = open_relabelled(folder, study.suffix), {}
    for case_id in _list_cases(context):
        case = relabel_case(read(case_id), settings)
        write_mask(relabelled.path(case_id), case.mask, study.read_affine(case_id))
        changes[case_id] = CaseChange(
            changed_count=case.changed_count,
            changed_share=case.changed_share,
            area_ratio=case.area_ratio,
            refusal=case.refusal,
            is_kept=case.is_kept,
        )
    stopped = relabelling.guards.judge(
        [change.refusal for change in changes.values()], [change.area_ratio for change in changes.values()]
    )
    if stopped:
        for case_id in changes:
            write_mask(relabelled.path(case_id), noisy.read(case_id), study.read_affine(case_id))
        changes = {case_id: change.model_copy(update={"is_kept": True}) for case_id, change in changes.items()}
    return settled, stopped, changes


def build_case_reader(study: Study, source: str, folder: Path) -> Callable[[str], RuleCase]:
    """Reads labels of a source with the maps that a training left in `folder`."""

    def read(case_id: str) -> RuleCase:
        maps = read_uncertainty(folder / UNCERTAINTY_FOLDER, case_id, study.suffix)
        mask = study.labels(source).read(case_id)
        return RuleCase(mask, maps.aleatoric, maps.probability, study.read_spacing(case_id))

    return read


def _build_evidence(context: TrainingContext, read: Callable[[str], RuleCase]) -> Evidence:
    """The training cases, and as clean ones those validation cases that a clean source and the learnt one labelled."""
    study, job = context.study, context.job
    learnt, clean = study.labels(job.source), study.labels(job.validation_source or job.source)
    both = learnt.select_labelled(clean.select_labelled(job.validation_cases)) if clean != learnt else ()
    return Evidence(
        case_ids=learnt.select_labelled(job.train_cases),
        read=read,
        read_image=study.read_image,
        subject_of=study.subject_of,
        clean_case_ids=both,
        read_clean=clean.read,
    )


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
    settled, stopped, changes = relabel_masks(context, relabelling, folder)
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
        repair=settled,
        guards=relabelling.guards,
        stopped=stopped,
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
