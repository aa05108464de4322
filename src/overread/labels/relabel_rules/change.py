"""Ways to change a mask by what a network says: flip uncertain voxels, move outlines, or leave it alone."""

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from overread.errors import InputError
from overread.labels.uncertainty_threshold import MOST_UNCERTAINTY
from overread.settings import Settings
from overread.types import Mask, Probability, Spacing

_EVEN = 0.5


@dataclass(frozen=True)
class RuleCase:
    """A label and what a network says about it.

    Attributes:
        mask: (*S) the label.
        uncertainty: (*S), in [0, 0.25], for example the aleatoric map of several predictions.
        probability: (*S), mean prediction; None where it is not known, which is enough to flip all uncertain voxels.
        spacing: voxel size along each axis.
    """

    mask: Mask
    uncertainty: NDArray[np.float32]
    probability: Probability | None
    spacing: Spacing

    def __post_init__(self) -> None:
        """Refuse maps of another shape than the mask, and values that are no uncertainty."""
        mask, uncertainty = self.mask, self.uncertainty
        if mask.shape != uncertainty.shape:
            raise InputError("mask and uncertainty must have one shape", found=f"{mask.shape} and {uncertainty.shape}")
        if uncertainty.size and not (uncertainty.min() >= 0 and uncertainty.max() <= MOST_UNCERTAINTY):
            found = f"{uncertainty.min()} to {uncertainty.max()}"
            raise InputError(f"an uncertainty must lie in [0, {MOST_UNCERTAINTY}]", found=found)

    def need_probability(self) -> Probability:
        """The mean prediction.

        Raises:
            InputError: there is none, or it has another shape.
        """
        if self.probability is None or self.probability.shape != self.mask.shape:
            found = "none" if self.probability is None else self.probability.shape
            raise InputError(f"this rule needs a probability of shape {self.mask.shape}", found=found)
        return self.probability


class Flip(Settings):
    """Uncertain voxels change sides (Redekop and Chernyavskiy 2021, section 2.3)."""

    kind: Literal["flip"] = "flip"
    threshold: float = Field(
        gt=0,
        lt=MOST_UNCERTAINTY,
        description="a voxel changes sides where its uncertainty exceeds this (δ in the paper)",
    )
    which: Literal["all", "contradicted"] = Field(
        "all", description="all uncertain voxels, or those whose label the mean prediction contradicts"
    )

    def propose(self, case: RuleCase) -> Mask:
        """The changed mask, (*S), holes filled."""
        flipped: Mask = case.uncertainty > self.threshold
        if self.which == "contradicted":
            flipped = flipped & ((case.need_probability() > _EVEN) != case.mask)
        return fill_new_holes(case.mask ^ flipped, case.mask)

    def describe(self) -> str:
        """The change in a few words."""
        return f"δ {self.threshold:.3f}"


class Growth(Settings):
    """Near the outline of a label the mean prediction decides, at a level that need not be one half.

    A network that learns labels which lack a part of the structure predicts too little at 0.5, and the level undoes
    that.
    """

    kind: Literal["growth"] = "growth"
    how: Literal["grow", "both"] = Field(
        description="grow: voxels are added; both: within reach the prediction decides on both sides of the outline"
    )
    reach: float | None = Field(
        gt=0, description="how far from the outline, in the study's length unit; null for any distance"
    )
    level: float = Field(gt=0, lt=1, description="a voxel is foreground where the mean probability exceeds this")

    def propose(self, case: RuleCase) -> Mask:
        """The changed mask, (*S), holes filled."""
        return self.propose_at(case, measure_outline_distance(case.mask, case.spacing))

    def propose_at(self, case: RuleCase, distance: NDArray[np.float64]) -> Mask:
        """As `propose`, where the distance to the outline is known."""
        predicted = case.need_probability() > self.level
        near = np.ones_like(case.mask) if self.reach is None else distance <= self.reach
        mask = case.mask
        changed = mask | (near & predicted) if self.how == "grow" else np.where(near, predicted, mask)
        return fill_new_holes(changed, mask)

    def describe(self) -> str:
        """The change in a few words."""
        reach = "anywhere" if self.reach is None else f"within {self.reach:g}"
        return f"{self.how}, {reach}, p > {self.level:g}"


class LeaveAlone(Settings):
    """Nothing changes."""

    kind: Literal["leave alone"] = "leave alone"

    def propose(self, case: RuleCase) -> Mask:
        """A copy of the mask, (*S)."""
        return case.mask.copy()

    def describe(self) -> str:
        """The change in a few words."""
        return "left alone"


Change: TypeAlias = Annotated[Flip | Growth | LeaveAlone, Field(discriminator="kind")]


def fill_new_holes(changed: Mask, mask: Mask) -> Mask:
    """Fill the holes that the mask itself does not have.

    The paper fills those that flipping leaves. A 3D mask has a hole where background is enclosed in all three
    directions.
    """
    from scipy.ndimage import binary_fill_holes

    filled: Mask = changed | (binary_fill_holes(changed) & ~(binary_fill_holes(mask) & ~mask))
    return filled


def measure_outline_distance(mask: Mask, spacing: Spacing) -> NDArray[np.float64]:
    """Distance of each voxel to the nearest one of the other side, (*S): one voxel beside an outline.

    Infinite where there is no other side, as in an empty mask.
    """
    from scipy.ndimage import distance_transform_edt

    if mask.all() or not mask.any():
        return np.full(mask.shape, np.inf)
    inside, outside = (distance_transform_edt(side, sampling=spacing) for side in (mask, ~mask))
    return np.asarray(np.where(mask, inside, outside), np.float64)
