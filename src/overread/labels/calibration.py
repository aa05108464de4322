"""The strength of label errors that leaves a wanted Dice in expectation."""

from overread.errors import SettingsError
from overread.labels.perturb.mode import Calibration, Cases
from overread.labels.perturb.register import MODES
from overread.labels.settings import VariantSettings


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
