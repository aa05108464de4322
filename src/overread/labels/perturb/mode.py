"""What a kind of label error is made of. Each is one module of this package and one line of the register."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, Self, TypeAlias, TypeVar

import numpy as np

from overread.labels.expected_dice import MeasureDice
from overread.types import Mask, Spacing

if TYPE_CHECKING:
    from overread.labels.settings import PerturbationSettings, VariantSettings

GeometryField: TypeAlias = Literal["volumetric", "axis", "vertices", "smooth"]
"""A setting that says where errors work; which of them a mode takes is its own affair."""
StrengthUnit: TypeAlias = Literal["px", "mm", "share"]
Cases: TypeAlias = Iterable[tuple[str, Mask, Spacing]]
"""Case id, mask (Y, X) or (X, Y, Z), and spacing of each case."""


class PerturbationRecord(Protocol):
    """What decides the errors of one mask; each mode has a model of its own."""

    @property
    def mode(self) -> str:
        """Name of the mode."""

    @property
    def seed(self) -> int:
        """Of the random numbers, which neither strength nor vertices change."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The record with some values changed."""


Record = TypeVar("Record", bound=PerturbationRecord)


@dataclass(frozen=True)
class Calibration:
    """The strength of a variant.

    Attributes:
        strength: in the unit that the variant's settings name.
        dice: mean Dice that it leaves in expectation.
        slice_count: slices with foreground that were looked at; all of them where none are drawn.
    """

    strength: float
    dice: float
    slice_count: int


@dataclass(frozen=True)
class Strength:
    """How large the errors of a mode are made.

    Attributes:
        choose_unit: unit of the strength, for errors that are volumetric or not.
        calibrate: finds the strength whose expected mean Dice is the variant's; the text says what errors are about.
        largest: largest strength that has a meaning.
        find_room: largest strength that all masks have room for; None where any strength can be applied to any mask.
        trace_draw: mean Dice of one draw as a function of the strength, up to a largest one, given the seed of each
            case; None, or a function that returns None, where it takes perturbing the masks to tell.
    """

    choose_unit: Callable[[bool], StrengthUnit]
    calibrate: "Callable[[Cases, VariantSettings, str], Calibration]"
    largest: float = float("inf")
    find_room: "Callable[[Cases, VariantSettings], float] | None" = None
    trace_draw: "Callable[[Cases, VariantSettings, float, Callable[[str], int]], MeasureDice | None] | None" = None


@dataclass(frozen=True)
class PerturbationMode(Generic[Record]):
    """A kind of label error.

    Attributes:
        name: begins the names of its variants.
        title: what it does, in two words for people.
        sample: draws the record of one mask; records of equal seed share their random numbers, whatever the strength.
        apply: perturbs a mask as its record says; the same record gives the same voxels.
        takes: settings beyond strength and seed; a mode without a strength takes vertices.
        strength: how large its errors are made; None where vertices say it all.
        moves_boundary: its errors lie along the boundary of the structure.
    """

    name: str
    title: str
    sample: "Callable[[PerturbationSettings, np.random.Generator], Record]"
    apply: Callable[[Mask, Record, Spacing], Mask]
    takes: tuple[GeometryField, ...]
    strength: Strength | None
    moves_boundary: bool = False
