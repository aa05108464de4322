"""Relabelling the masks of a training with the networks that it has so far."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from torch import nn

from overread.inference.uncertainty import estimate_uncertainty
from overread.inference.uncertainty_files import read_uncertainty, write_uncertainty
from overread.inference.uncertainty_maps import UncertaintyMaps
from overread.labels.relabelling import RelabelSettings, relabel_case
from overread.labels.uncertainty_threshold import choose_threshold
from overread.networks.saved import save_network
from overread.study.rasters import write_mask
from overread.training.context import TrainingContext
from overread.training.correction_settings import Relabelling
from overread.training.relabel_record import UNCERTAINTY_FOLDER, CaseChange, open_relabelled


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
