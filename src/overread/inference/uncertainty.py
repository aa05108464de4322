"""The uncertainty of the predictions of a case: Monte Carlo dropout, deep ensembles, test-time augmentation."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from torch import nn

from overread.errors import InputError
from overread.inference.ensemble import load_matching_network
from overread.inference.sampled_predictions import SampledPrediction, predict_samples
from overread.inference.settings import InferenceSettings, UncertaintySettings
from overread.inference.sliding_window import Windowing
from overread.inference.uncertainty_maps import UncertaintyAccumulator, UncertaintyMaps
from overread.labels.seeds import seed_generator
from overread.study.study import Study
from overread.study.working_cases import (
    WorkingCase,
    compute_working_shape,
    normalise,
    resample_image,
    resample_mask,
    resample_probability,
)
from overread.types import Spacing


def estimate_uncertainty(
    study: Study,
    case_id: str,
    folders: Sequence[Path],
    *,
    settings: UncertaintySettings,
    inference: InferenceSettings,
    device: torch.device,
) -> UncertaintyMaps:
    """Uncertainty of a case, (*S) on its own grid.

    Several networks contribute N predictions each, on one working grid or on several; those of an ensemble one each.
    Networks are loaded one after the other, and no prediction is kept.

    Args:
        study: the study of the case.
        case_id: the case.
        folders: networks that did not see it, see `overread.networks.build`.
        settings: method and number of predictions; equal settings give equal maps.
        inference: how the networks are applied.
        device: where to apply them.

    Raises:
        InputError: there are too few networks for the method, one was trained on other channels than the study has,
            or one without dropout is to drop features.
    """
    _check_count(settings, len(folders))
    stored, spacing = study.read_image(case_id), study.read_spacing(case_id)
    accumulator = UncertaintyAccumulator(stored.shape[1:])
    for index, folder in enumerate(folders):
        network, saved = load_matching_network(folder, study, device)
        shape = compute_working_shape(stored.shape[1:], spacing, saved.working_spacing)
        predictions = predict_samples(
            network,
            resample_image(normalise(stored, saved.intensity), shape),
            spacing=saved.working_spacing or spacing,
            settings=settings,
            windowing=Windowing(saved.patch_size, inference, saved.precision, device),
            generator=seed_generator(settings.seed, case_id, index),
        )
        _add_predictions(accumulator, predictions)
    return accumulator.compute()


def estimate_working_uncertainty(
    networks: Sequence[nn.Module],
    case: WorkingCase,
    *,
    spacing: Spacing,
    settings: UncertaintySettings,
    windowing: Windowing,
) -> UncertaintyMaps:
    """Uncertainty of a case in memory, (*W) on the working grid, for use while networks are trained.

    Networks keep their weights, statistics and modes, and the random numbers of the training are not changed. Equal
    settings draw the same dropout and the same variations in every call, so that what changes from epoch to epoch is
    the network.

    Args:
        networks: one network, or those of an ensemble.
        case: the case; its mask is not looked at.
        spacing: voxel size of the working grid.
        settings: method and number of predictions.
        windowing: how the networks are applied.

    Raises:
        InputError: there are too few networks for the method, or one without dropout is to drop features.
    """
    _check_count(settings, len(networks))
    accumulator = UncertaintyAccumulator(case.image.shape[1:])
    for index, network in enumerate(networks):
        predictions = predict_samples(
            network,
            case.image,
            spacing=spacing,
            settings=settings,
            windowing=windowing,
            generator=seed_generator(settings.seed, case.case_id, index),
        )
        _add_predictions(accumulator, predictions)
    return accumulator.compute()


def _check_count(settings: UncertaintySettings, count: int) -> None:
    needed = 2 if settings.method == "ensemble" else 1
    if count < needed:
        raise InputError(
            f"the method {settings.method} needs {needed} network(s) or more",
            found=count,
            hint="train repeats, or choose the method tta" if count else "",
        )


def _add_predictions(accumulator: UncertaintyAccumulator, predictions: Iterable[SampledPrediction]) -> None:
    """Bring each prediction to the accumulator's grid and add it."""
    for prediction in predictions:
        covered = None if prediction.covered is None else resample_mask(prediction.covered, accumulator.shape)
        accumulator.add(resample_probability(prediction.probability, accumulator.shape), covered)
