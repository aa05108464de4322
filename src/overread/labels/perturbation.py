"""A perturbation of any kind: draw its record, then apply it."""

from typing import TypeAlias

import numpy as np

from overread.labels.choppy import ChoppyRecord, apply_choppy, sample_choppy
from overread.labels.natural import NaturalRecord, apply_natural, sample_natural
from overread.labels.natural_volume import NaturalVolumeRecord, apply_natural_volume, sample_natural_volume
from overread.labels.polygon import PolygonRecord, apply_polygon, sample_polygon
from overread.labels.random_flips import RandomFlipsRecord, apply_random_flips, sample_random_flips
from overread.labels.settings import PerturbationSettings
from overread.types import Mask, Spacing

PerturbationRecord: TypeAlias = NaturalRecord | NaturalVolumeRecord | ChoppyRecord | RandomFlipsRecord | PolygonRecord


def sample_perturbation(settings: PerturbationSettings, generator: np.random.Generator) -> PerturbationRecord:
    """Draw what decides the errors of one mask.

    Records of equal seed at different strengths, or with different vertices, share their random numbers.
    """
    if settings.mode == "choppy":
        return sample_choppy(settings, generator)
    if settings.mode == "random":
        return sample_random_flips(settings, generator)
    if settings.mode == "polygon":
        return sample_polygon(settings, generator)
    return (sample_natural_volume if settings.volumetric else sample_natural)(settings, generator)


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
    if isinstance(record, ChoppyRecord):
        return apply_choppy(mask, record)
    if isinstance(record, RandomFlipsRecord):
        return apply_random_flips(mask, record)
    if isinstance(record, PolygonRecord):
        return apply_polygon(mask, record)
    if isinstance(record, NaturalVolumeRecord):
        return apply_natural_volume(mask, record, spacing)
    return apply_natural(mask, record)
