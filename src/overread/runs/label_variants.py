"""The label variants of a `label-noise` run, as its steps pass them on."""

from collections.abc import Sequence
from typing import ClassVar

from overread.errors import SettingsError
from overread.labels.settings import VariantSettings, parse_variant
from overread.labels.variant_record import CONTROL, LabelVariant, Redraw
from overread.records import Result
from overread.study.schema import Provenance
from overread.training.result import RedrawnLabels


class LabelVariants(Result):
    """What networks are trained on in a `label-noise` run.

    Attributes:
        source: the clean source.
        redraw: `never` where each variant is one fixed set of labels, `every_epoch` where it is drawn while training.
        variants: the control and the perturbed labels, in the order of the tables.
        redrawn: how the labels are perturbed while training, one entry per perturbed variant; empty for `never`.
    """

    INDENT: ClassVar[int] = 2

    source: str
    redraw: Redraw
    variants: tuple[LabelVariant, ...]
    redrawn: tuple[RedrawnLabels, ...] = ()

    def name_labels(self, variant: str) -> str:
        """Name of the labels of a variant, which is that of a source of the study where they are fixed."""
        return self.source if variant == CONTROL else f"{self.source}-{variant}"


def parse_redraw(text: str) -> Redraw:
    """Check the value of the parameter `redraw`.

    Raises:
        SettingsError: it is another one.
    """
    if text == "never" or text == "every_epoch":
        return text  # type: ignore[return-value]
    raise SettingsError("redraw must be never or every_epoch", found=repr(text))


def parse_variants(names: Sequence[str]) -> tuple[VariantSettings, ...]:
    """Parse the parameter `variants`, for example natural-0.90, choppy-0.85 and polygon-7.

    Raises:
        SettingsError: a name is not that of a variant, or is given twice.
    """
    for name in names:
        if list(names).count(name) > 1:
            raise SettingsError("a variant must be named once", found=repr(name))
    return tuple(parse_variant(name) for name in names)


def describe_control(digest: str) -> LabelVariant:
    """The clean source as a variant."""
    return LabelVariant(name=CONTROL, mode=CONTROL, target_dice=1.0, achieved_dice=1.0, digest=digest)


def describe_fixed(variant: VariantSettings, provenance: Provenance, digest: str) -> LabelVariant:
    """A variant whose masks are in the study.

    Args:
        variant: what was asked for.
        provenance: how its masks were made.
        digest: SHA-256 over the masks.
    """
    dice = [case["dice"] for case in provenance.cases.values()]
    return LabelVariant(
        name=variant.name,
        mode=variant.mode,
        target_dice=variant.dice,
        achieved_dice=provenance.parameters["mean_dice"],
        achieved_range=(min(dice), max(dice)),
        strength=provenance.parameters["strength"] if variant.has_strength else None,
        strength_unit=variant.strength_unit,
        digest=digest,
    )


def describe_redrawn(variant: VariantSettings, *, dice: float, strength: float | None) -> LabelVariant:
    """A variant whose masks are drawn while training.

    Args:
        variant: what was asked for.
        dice: mean Dice that is expected.
        strength: of the perturbation; None for polygons.
    """
    return LabelVariant(
        name=variant.name,
        mode=variant.mode,
        target_dice=variant.dice,
        achieved_dice=dice,
        strength=strength,
        strength_unit=variant.strength_unit,
    )
