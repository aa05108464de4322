"""One training from start to end: cases in, a saved network and its result out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from overread.errors import InputError
from overread.networks.build import build_network, count_parameters
from overread.networks.saved import save_network
from overread.networks.settings import SavedNetworkSettings, count_network_dimensions
from overread.presets import Preset
from overread.study.study import Study
from overread.training.cases import read_working_cases
from overread.training.hardware import describe_device
from overread.training.history import HISTORY_FILE, EpochReport, write_history
from overread.training.loop import train
from overread.training.redrawing import draw_training_cases
from overread.training.result import TrainingJob, TrainingResult


def run_training_job(
    study: Study,
    job: TrainingJob,
    preset: Preset,
    *,
    folder: Path,
    checkpoint: Path,
    fingerprint: str,
    device: torch.device,
    on_epoch: Callable[[Sequence[EpochReport]], None],
) -> TrainingResult:
    """Train the network of a job and save it, with its result, in `folder`.

    Cases that the source has not labelled are left out of training and validation.

    Raises:
        InputError: no case is left for one of the two.
        TrainingError: see `train`.
    """
    settings = preset.training
    train_cases, validation_cases = (
        read_working_cases(study, labels, labels.select_labelled(case_ids), settings.working_spacing)
        for labels, case_ids in (
            (study.labels(job.source), job.train_cases),
            (study.labels(job.validation_source or job.source), job.validation_cases),
        )
    )
    if not train_cases or not validation_cases:
        raise InputError(
            "a training must have labelled training and validation cases",
            found=f"{len(train_cases)} and {len(validation_cases)}",
            where=f"source {job.source!r}",
        )
    torch.manual_seed(job.seed)
    dimensions, channels = count_network_dimensions(settings.sampling.patch_size), study.settings.channels
    network = build_network(preset.network, dimensions=dimensions, channel_count=len(channels))
    state = train(
        network,
        draw_cases=draw_training_cases(study, job, train_cases),
        validation_cases=validation_cases,
        settings=settings,
        inference=preset.inference,
        seed=job.seed,
        device=device,
        checkpoint=checkpoint,
        fingerprint=fingerprint,
        on_epoch=on_epoch,
    )
    saved = SavedNetworkSettings(
        network=preset.network,
        dimensions=dimensions,
        channels=channels,
        intensity=study.settings.intensity,
        patch_size=settings.sampling.patch_size,
        working_spacing=settings.working_spacing,
        precision=settings.precision,
    )
    save_network(folder, network, saved)
    write_history(folder / HISTORY_FILE, state.reports)
    patch_voxels = int(torch.Size(settings.sampling.patch_size).numel())
    result = TrainingResult(
        job=job,
        fingerprint=fingerprint,
        epochs=state.epoch,
        best_epoch=state.best_epoch,
        best_validation_dice=state.best_dice,
        parameter_count=count_parameters(network),
        duration_seconds=state.seconds,
        voxels_per_second=patch_voxels * settings.batch_size * settings.steps_per_epoch * state.epoch / state.seconds,
        device=describe_device(device),
    )
    result.write(folder)
    return result
