"""A perturbation of any kind: draw its record, then apply it."""

import numpy as np

from overread.labels.perturb.mode import PerturbationRecord
from overread.labels.perturb.register import MODES
from overread.labels.settings import PerturbationSettings
from overread.types import Mask, Spacing


def sample_perturbation(settings: PerturbationSettings, generator: np.random.Generator) -> PerturbationRecord:
    """Draw what decides the errors of one mask.

    Records of equal seed at different strengths, or with different vertices, share their random numbers.
    """
    record: PerturbationRecord = MODES[settings.mode].sample(settings, generator)
    return record


def restore_perturbation(settings: PerturbationSettings, seed: int) -> PerturbationRecord:
    """The record of given settings that has a known seed."""
    return sample_perturbation(settings, np.random.default_rng(0)).model_copy(update={"seed": seed})


def apply_perturbation(mask: Mask, record: PerturbationRecord, spacing: Spacing) -> Mask:
    """Perturb a mask as its record says; the same record gives the same voxels.

    Args:
        mask: (Y, X) or (X, Y, Z) bool, left as it is.
        record: what `sample_perturbation` drew.
        spacing: voxel size along each axis; only a volumetric natural perturbation depends on it.

    Returns:
        A new mask of the same shape; at strength 0, or where the mask is empty, an equal one.

    Raises:
        InputError: the mask is not bool, or has no room for the perturbation, see the functions of each kind.
    """
    return MODES[record.mode].apply(mask, record, spacing)
