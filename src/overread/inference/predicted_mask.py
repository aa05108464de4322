"""The mask that networks predict of a case, as a file."""

from collections.abc import Sequence
from pathlib import Path

import torch

from overread.inference.ensemble import predict_case
from overread.inference.settings import InferenceSettings
from overread.study.label_set import LabelSet
from overread.study.rasters import write_mask
from overread.study.study import Study
from overread.types import Mask


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
