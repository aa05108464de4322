"""A perturbation of any kind: draw its record, apply it, and find the strength that leaves a wanted Dice."""

import numpy as np

from overread.errors import SettingsError
from overread.labels.perturb.mode import Calibration, Cases, PerturbationRecord
from overread.labels.perturb.register import MODES
from overread.labels.settings import PerturbationSettings, VariantSettings
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


def calibrate_strength(cases: Cases, variant: VariantSettings, *, source: str = "") -> Calibration:
    """Find the strength whose expected mean Dice is the variant's.

    A case's Dice is 2·ΣTP / (Σ|A| + Σ|B|) over its slices that are drawn, and the cases are averaged. In 2D this is the
    mean over slices of Heller et al. 2018; in 3D it is the Dice per case that all tables of Overread show. At most 1000
    slices with foreground are drawn from all cases; a volumetric variant looks at whole cases. Cases without foreground
    are left out. The strength is bisected until both bounds leave a Dice within 0.005 of the target; that of random
    errors is 1 - Dice.

    Args:
        cases: what the variant is made from, read once, one mask at a time; for a volumetric natural variant read
            several times, and held if they come from an iterator.
        variant: kind of error, wanted Dice, and seed of the draw.
        source: name of the cases' source, for errors.

    Raises:
        InputError: no mask has foreground, or a mask does not fit the variant.
        SettingsError: the Dice cannot be reached with these masks, or the errors have vertices instead of a strength.
    """
    where, strength = describe_variant(variant, source), MODES[variant.mode].strength
    if strength is None:
        raise SettingsError(
            f"{variant.mode} errors have no strength that could be calibrated",
            where=where,
            hint="their Dice follows from their vertices",
        )
    return strength.calibrate(cases, variant, where)


def describe_variant(variant: VariantSettings, source: str) -> str:
    """Say which variant of which source an error is about."""
    return f"variant {variant.name}" + (f" of source {source!r}" if source else "")
