"""Held-out prediction of a case by several networks, each or by their mean probability, and its masks as files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

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
from overread.types import Image, Mask, Probability, Spacing


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
        yield _predict(network, saved, stored, spacing, settings=settings, device=device)


def predict_labelled(
    study: Study,
    labels: LabelSet,
    case_ids: Sequence[str],
    folder: Path,
    *,
    settings: InferenceSettings,
    device: torch.device,
) -> Iterator[tuple[Mask, Probability]]:
    """The label and the probability of foreground by one network of each case that has a label, (*S) on its own grid.

    Raises:
        InputError: the network was trained on other channels than the study has.
    """
    network, saved = load_matching_network(folder, study, device)
    for case_id in labels.select_labelled(case_ids):
        stored, spacing = study.read_image(case_id), study.read_spacing(case_id)
        yield labels.read(case_id), _predict(network, saved, stored, spacing, settings=settings, device=device)


def _predict(
    network: nn.Module,
    saved: SavedNetworkSettings,
    stored: Image,
    spacing: Spacing,
    *,
    settings: InferenceSettings,
    device: torch.device,
) -> Probability:
    shape = compute_working_shape(stored.shape[1:], spacing, saved.working_spacing)
    probability = predict_probability(
        network,
        resample_image(normalise(stored, saved.intensity), shape),
        patch_size=saved.patch_size,
        settings=settings,
        precision=saved.precision,
        device=device,
    )
    return resample_probability(probability, stored.shape[1:])


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
    return write_predicted_masks(study, case_id, {folder: networks}, settings=settings, device=device)[folder]


def write_predicted_masks(
    study: Study,
    case_id: str,
    networks_of: Mapping[Path, Sequence[Path]],
    *,
    settings: InferenceSettings,
    device: torch.device,
    thresholds: Mapping[Path, float] = MappingProxyType({}),
) -> dict[Path, Mask]:
    """Predict a case with several groups of networks; a network that is in several predicts once.

    Args:
        study: the study.
        case_id: which case.
        networks_of: by folder that gets the mask, the folders of the networks whose mean probability makes it.
        settings: windows, and the probability above which a voxel is foreground.
        device: where the networks run.
        thresholds: by folder, another probability above which a voxel of its mask is foreground.

    Returns:
        The mask of each folder, (*S).

    Raises:
        InputError: a network was trained on other channels than the study has.
    """
    networks = tuple(dict.fromkeys(network for group in networks_of.values() for network in group))
    sums: dict[Path, Probability] = {}
    counts = dict.fromkeys(networks_of, 0)
    masks: dict[Path, Mask] = {}
    predicted = predict_with_each(study, case_id, networks, settings=settings, device=device)
    for network, probability in zip(networks, predicted, strict=True):
        for folder in (folder for folder, group in networks_of.items() if network in group):
            sums[folder] = sums[folder] + probability if folder in sums else probability
            counts[folder] += 1
            if counts[folder] == len(networks_of[folder]):
                mean = sums.pop(folder) / np.float32(counts[folder])
                mask = mean > thresholds.get(folder, settings.threshold)
                masks[folder] = _write(study, case_id, mask, folder)
    return masks


def _write(study: Study, case_id: str, mask: Mask, folder: Path) -> Mask:
    write_mask(LabelSet("", folder, study.suffix).path(case_id), mask, study.read_affine(case_id))
    return mask
