"""Which label errors to make, and how the labels that hold them are called."""

import re
from decimal import Decimal
from typing import Literal, Self, TypeAlias, TypeVar

from pydantic import Field, model_validator

from overread.errors import SettingsError
from overread.settings import Settings

PerturbationMode: TypeAlias = Literal["natural", "choppy", "random", "polygon"]
StrengthUnit: TypeAlias = Literal["px", "mm", "share"]

CONTROL_POINTS = 5
"""Offsets per contour in the program of Heller et al. 2018."""

LEAST_VERTICES = 3
"""A polygon of fewer has no area."""

_PATTERN = re.compile(
    r"((?P<mode>natural|choppy|random)(?P<volumetric>-3d)?(-axis(?P<axis>\d))?-(?P<dice>0\.\d+)"
    r"|polygon-(?P<vertices>\d+)(?P<smooth>-smooth)?)(-seed(?P<seed>\d+))?"
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

    mode: PerturbationMode
    volumetric: bool = False
    axis: int | None = Field(None, ge=0, le=2)
    vertices: int | None = Field(None, ge=LEAST_VERTICES)
    smooth: bool = False

    @model_validator(mode="after")
    def _geometry_fits_the_mode(self) -> Self:
        if self.volumetric and self.mode == "choppy":
            raise ValueError("volumetric is for natural and random; choppy has an axis instead")
        if self.volumetric and self.mode == "polygon":
            raise ValueError("volumetric is for natural and random; polygon works slice by slice")
        if self.axis is not None and self.mode != "choppy":
            raise ValueError("axis is for choppy only")
        if (self.vertices is not None or self.smooth) and self.mode != "polygon":
            raise ValueError("vertices and smooth are for polygon only")
        if self.vertices is None and self.mode == "polygon":
            raise ValueError("polygon must have vertices, for example 7")
        return self

    @property
    def strength_unit(self) -> StrengthUnit | None:
        """Unit of the strength; `share` is that of the foreground voxels that are flipped, None that of polygons."""
        if self.mode == "polygon":
            return None
        if self.mode == "random":
            return "share"
        return "mm" if self.volumetric else "px"


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
        if (self.strength is None) != (self.mode == "polygon"):
            raise ValueError("strength must be given, except for polygon, which has vertices instead")
        if self.mode == "random" and self.require_strength() > 1:
            raise ValueError("strength of random must be a share of the foreground, in [0, 1]")
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
        if self.dice is not None and self.mode == "polygon":
            raise ValueError("dice is for natural, choppy and random; that of polygon follows from its vertices")
        if self.dice is None and self.mode != "polygon":
            raise ValueError(f"{self.mode} must have a dice, for example 0.90")
        return self

    @property
    def name(self) -> str:
        """A name that tells this variant from all others, for example natural-0.90 or choppy-axis2-0.85-seed1."""
        seed = f"-seed{self.seed}" if self.seed else ""
        if self.mode == "polygon":
            return f"polygon-{self.vertices}{'-smooth' if self.smooth else ''}{seed}"
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
    values |= {"mode": parts["mode"], "dice": float(parts["dice"])} if parts["mode"] else {"mode": "polygon"}
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
        "a variant must be called MODE[-3d][-axisN]-DICE[-seedN], MODE natural, choppy or random, DICE as 0.90, "
        "or polygon-VERTICES[-smooth][-seedN]"
    )
    return SettingsError(rule, found=repr(text), hint=hint)
