"""Held-out prediction of a case, by each of several networks or by their mean probability."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from overread.errors import InputError
from overread.inference.settings import InferenceSettings
from overread.inference.sliding_window import predict_probability
from overread.networks.saved import load_network
from overread.networks.settings import SavedNetworkSettings
from overread.study.intensity import normalise
from overread.study.resampling import compute_working_shape, resample_image, resample_probability
from overread.study.study import Study
from overread.types import Probability


def predict_case(
    study: Study, case_id: str, folders: Sequence[Path], *, settings: InferenceSettings, device: torch.device
) -> Probability:
    """Mean probability of foreground over the networks in `folders`, (*S) on the case's own grid.

    Raises:
        InputError: a network was trained on other channels than the study has.
    """
    predicted = predict_with_each(study, case_id, folders, settings=settings, device=device)
    total = next(predicted).copy()
    for probability in predicted:
        total += probability
    return total / np.float32(len(folders))


def predict_with_each(
    study: Study, case_id: str, folders: Sequence[Path], *, settings: InferenceSettings, device: torch.device
) -> Iterator[Probability]:
    """Probability of foreground by each of the networks in `folders`, (*S) on the case's own grid.

    Raises:
        InputError: a network was trained on other channels than the study has.
    """
    stored = study.read_image(case_id)
    spacing = study.read_spacing(case_id)
    for folder in folders:
        network, saved = load_matching_network(folder, study, device)
        shape = compute_working_shape(stored.shape[1:], spacing, saved.working_spacing)
        probability = predict_probability(
            network,
            resample_image(normalise(stored, saved.intensity), shape),
            patch_size=saved.patch_size,
            settings=settings,
            precision=saved.precision,
            device=device,
        )
        yield resample_probability(probability, stored.shape[1:])


def load_matching_network(folder: Path, study: Study, device: torch.device) -> tuple[nn.Module, SavedNetworkSettings]:
    """Load a network for the images of a study, in evaluation mode.

    Raises:
        InputError: the network was trained on other channels than the study has.
    """
    network, saved = load_network(folder, device)
    if saved.channels != study.settings.channels:
        raise InputError(f"a network needs the channels {saved.channels}", found=study.settings.channels)
    return network, saved
