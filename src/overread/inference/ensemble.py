"""Held-out prediction of a case by several networks: their mean probability, and the mask of it as a file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from overread.errors import InputError
from overread.inference.settings import InferenceSettings
from overread.inference.sliding_window import predict_probability
from overread.networks.build import load_network
from overread.networks.settings import SavedNetworkSettings
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.study import Study
from overread.study.working_cases import compute_working_shape, normalise, resample_image, resample_probability
from overread.types import Mask, Probability


def predict_case(
    study: Study, case_id: str, folders: Sequence[Path], *, settings: InferenceSettings, device: torch.device
) -> Probability:
    """Mean probability of foreground over the networks in `folders`, (*S) on the case's own grid.

    Raises:
        InputError: a network was trained on other channels than the study has.
    """
    stored = study.read_image(case_id)
    spacing = study.read_spacing(case_id)
    total = np.zeros(stored.shape[1:], np.float32)
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
        total += resample_probability(probability, total.shape)
    return total / np.float32(len(folders))


def load_matching_network(folder: Path, study: Study, device: torch.device) -> tuple[nn.Module, SavedNetworkSettings]:
    """Load a network for the images of a study, in evaluation mode.

    Raises:
        InputError: the network was trained on other channels than the study has.
    """
    network, saved = load_network(folder, device)
    if saved.channels != study.settings.channels:
        raise InputError(f"a network needs the channels {saved.channels}", found=study.settings.channels)
    return network, saved


def write_predicted_mask(
    study: Study,
    case_id: str,
    networks: Sequence[Path],
    *,
    folder: Path,
    settings: InferenceSettings,
    device: torch.device,
) -> Mask:
    """Predict a case by the mean probability of networks, write its mask into a folder and return it, (*S).

    Args:
        study: the study.
        case_id: which case.
        networks: folders of trained networks.
        folder: gets `<case_id>.png` or `<case_id>.nii.gz`.
        settings: windows, and the probability above which a voxel is foreground.
        device: where the networks run.

    Raises:
        InputError: a network was trained on other channels than the study has.
    """
    probability = predict_case(study, case_id, networks, settings=settings, device=device)
    mask = probability > settings.threshold
    write_mask(LabelSet("", folder, study.suffix).path(case_id), mask, study.read_affine(case_id))
    return mask
