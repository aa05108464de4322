"""Which label errors to make, and how the labels that hold them are called."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, Field, model_validator

from overread.errors import SettingsError
from overread.labels.contours import CONTROL_POINTS
from overread.labels.perturb.mode import GeometryField, StrengthUnit
from overread.labels.perturb.polygon import LEAST_VERTICES
from overread.labels.perturb.register import CALIBRATED, MODES, REDUCED, check_mode
from overread.settings import Settings

_PATTERN = re.compile(
    rf"((?P<calibrated>{'|'.join(CALIBRATED)})(?P<volumetric>-3d)?(-axis(?P<axis>\d))?-(?P<dice>0\.\d+)"
    rf"|(?P<reduced>{'|'.join(REDUCED)})-(?P<vertices>\d+)(?P<smooth>-smooth)?)(-seed(?P<seed>\d+))?"
)
_EXAMPLES = "natural-0.90, natural-3d-0.85, choppy-axis2-0.95, random-0.90-seed1, polygon-7-smooth"
_Value = TypeVar("_Value", int, float)


class _Geometry(Settings):
    """The kind of label error, and where it works.

    Attributes:
        mode: `natural` moves the boundary smoothly, `choppy` moves the ends of each run of foreground in each row,
            `random` flips single voxels (Heller et al. 2018, section 3.1), `polygon` leaves few points of each contour
            (Redekop and Chernyavskiy 2021, section 2.1).
        volumetric: natural and random work on the whole 3D mask instead of slice by slice along its last axis.
        axis: choppy only, the axis along which the runs lie; None for the rows, axis 1 of (Y, X) and 0 of (X, Y, Z).
        vertices: polygon only, and there always: points that are left of each contour.
        smooth: polygon only: they are joined by a smooth closed curve instead of straight lines.
    """

    mode: Annotated[str, AfterValidator(check_mode)]
    volumetric: bool = False
    axis: int | None = Field(None, ge=0, le=2)
    vertices: int | None = Field(None, ge=LEAST_VERTICES)
    smooth: bool = False

    @model_validator(mode="after")
    def _geometry_fits_the_mode(self) -> Self:
        takes = MODES[self.mode].takes
        if self.volumetric and "volumetric" not in takes:
            raise ValueError(f"volumetric is for {_list_takers('volumetric')} only")
        if self.axis is not None and "axis" not in takes:
            raise ValueError(f"axis is for {_list_takers('axis')} only")
        if (self.vertices is not None or self.smooth) and "vertices" not in takes:
            raise ValueError(f"vertices and smooth are for {_list_takers('vertices')} only")
        if self.vertices is None and "vertices" in takes:
            raise ValueError(f"{self.mode} must have vertices, for example 7")
        return self

    @property
    def has_strength(self) -> bool:
        """Whether the errors are made as large as a Dice says; else their vertices say it."""
        return MODES[self.mode].strength is not None

    @property
    def strength_unit(self) -> StrengthUnit | None:
        """Unit of the strength; `share` is that of the foreground voxels that are flipped, None that of polygons."""
        strength = MODES[self.mode].strength
        return strength.choose_unit(self.volumetric) if strength else None


class PerturbationSettings(_Geometry):
    """One kind of label error at one strength.

    Attributes:
        strength: natural: standard deviation of the boundary's offset, in voxels of the slice, or in mm if volumetric;
            choppy: standard deviation of the shift of each run end, in voxels; random: share of the foreground that is
            flipped, in [0, 1]. 0 changes nothing. None for polygon, whose vertices say it all.
        control_points: natural only, offsets that are drawn per contour; fewer make wider waves.
    """

    strength: float | None = Field(None, ge=0, allow_inf_nan=False)
    control_points: int = Field(CONTROL_POINTS, ge=3, le=256)

    @model_validator(mode="after")
    def _strength_fits_the_mode(self) -> Self:
        if (self.strength is None) == self.has_strength:
            raise ValueError(f"strength must be given, except for {_join(REDUCED)}, with vertices instead")
        strength = MODES[self.mode].strength
        if strength and self.require_strength() > strength.largest:
            raise ValueError(f"strength of {self.mode} must lie in [0, {strength.largest:g}]")
        return self

    def require_strength(self) -> float:
        """The strength.

        Raises:
            SettingsError: these are polygons.
        """
        return _require(self.strength, "a strength", self)

    def require_vertices(self) -> int:
        """The number of vertices.

        Raises:
            SettingsError: these are no polygons.
        """
        return _require(self.vertices, "vertices", self)


class VariantSettings(_Geometry):
    """A copy of a source whose masks have errors of one kind, as large as a Dice with the clean masks or vertices say.

    Attributes:
        dice: mean Dice of the cases with the clean source that the strength is chosen for, between 0 and 1; None for
            polygon, which has vertices instead.
        seed: another seed draws other errors of the same size.
    """

    dice: float | None = Field(None, gt=0, lt=1)
    seed: int = Field(0, ge=0, lt=2**63)

    @model_validator(mode="after")
    def _dice_fits_the_mode(self) -> Self:
        if self.dice is not None and not self.has_strength:
            raise ValueError(f"dice is for {_join(CALIBRATED)}; that of {self.mode} follows from its vertices")
        if self.dice is None and self.has_strength:
            raise ValueError(f"{self.mode} must have a dice, for example 0.90")
        return self

    @property
    def name(self) -> str:
        """A name that tells this variant from all others, for example natural-0.90 or choppy-axis2-0.85-seed1."""
        seed = f"-seed{self.seed}" if self.seed else ""
        if not self.has_strength:
            return f"{self.mode}-{self.vertices}{'-smooth' if self.smooth else ''}{seed}"
        geometry = "-3d" if self.volumetric else "" if self.axis is None else f"-axis{self.axis}"
        return f"{self.mode}{geometry}-{_format_dice(self.require_dice())}{seed}"

    def require_dice(self) -> float:
        """The wanted Dice.

        Raises:
            SettingsError: these are polygons.
        """
        return _require(self.dice, "a Dice", self)

    def to_perturbation(self, strength: float | None) -> PerturbationSettings:
        """The perturbation of this kind at a strength, which is None for polygons."""
        return PerturbationSettings(
            mode=self.mode,
            volumetric=self.volumetric,
            axis=self.axis,
            vertices=self.vertices,
            smooth=self.smooth,
            strength=strength,
        )


def parse_variant(text: str) -> VariantSettings:
    """Read a variant from its name.

    Raises:
        SettingsError: the text is not the name of a variant.
    """
    found = _PATTERN.fullmatch(text)
    if found is None:
        raise _refuse(text, f"for example {_EXAMPLES}")
    parts = found.groupdict()
    values: dict[str, object] = {key: bool(parts[key]) for key in ("volumetric", "smooth")}
    values |= {key: int(parts[key]) for key in ("axis", "vertices", "seed") if parts[key] is not None}
    values["mode"] = parts["calibrated"] or parts["reduced"]
    values |= {"dice": float(parts["dice"])} if parts["dice"] else {}
    variant = VariantSettings.parse(values, where=f"variant {text!r}")
    if variant.name != text:
        raise _refuse(text, f"it is called {variant.name}")
    return variant


def name_variant(source: str, variant: VariantSettings) -> str:
    """Name of the source that holds a variant of `source`."""
    return f"{source}-{variant.name}"


def _format_dice(dice: float) -> str:
    digits = format(Decimal(repr(dice)), "f")
    return digits.ljust(len("0.90"), "0")


def _require(value: _Value | None, name: str, settings: _Geometry) -> _Value:
    if value is None:
        raise SettingsError(f"label errors must have {name} to be used here", found=f"mode {settings.mode}")
    return value


def _refuse(text: str, hint: str) -> SettingsError:
    rule = (
        f"a variant must be called MODE[-3d][-axisN]-DICE[-seedN], MODE {_join(CALIBRATED, 'or')}, DICE as 0.90, "
        f"or {_join(REDUCED, 'or')}-VERTICES[-smooth][-seedN]"
    )
    return SettingsError(rule, found=repr(text), hint=hint)


def _list_takers(field: GeometryField) -> str:
    return _join([mode.name for mode in MODES.values() if field in mode.takes])


def _join(names: Sequence[str], word: str = "and") -> str:
    return f" {word} ".join(filter(None, (", ".join(names[:-1]), names[-1])))
