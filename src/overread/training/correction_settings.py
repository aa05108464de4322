"""What is done about errors of training labels."""

from typing import Literal, TypeAlias

from pydantic import Field

from overread.inference.uncertainty_settings import UncertaintySettings
from overread.labels.relabelling import MOST_UNCERTAINTY, FlipRule
from overread.settings import Settings

RelabelRule: TypeAlias = Literal["uncertainty", "clean"]
"""The epoch in which the cumulative uncertainty falls fastest, or that of the best Dice with clean labels."""


class Relabelling(Settings):
    """How the masks of a training are relabelled on the way (Redekop and Chernyavskiy 2021)."""

    uncertainty: UncertaintySettings = Field(description="how uncertainty is estimated")
    members: int = Field(ge=1, description="networks that estimate it together, 1 for all methods but ensemble")
    after: RelabelRule | int = Field(
        description="what chooses the epoch after which masks are relabelled, or its number"
    )
    threshold: float | None = Field(
        description="a voxel changes sides above it; None chooses it from all training maps"
    )
    flips: FlipRule = Field(description="all uncertain voxels, or those whose label the mean prediction contradicts")
    largest_change: float = Field(gt=0, description="share of its labelled voxels that may change in a case")


class CorrectionSettings(Settings):
    """What a preset says about the correction of labels; the paper gives none of these values."""

    uncertainty: UncertaintySettings = Field(
        UncertaintySettings(), description="how uncertainty is estimated; the method is chosen with the pipeline"
    )
    members: int = Field(3, ge=2, description="ensemble: networks that are trained side by side")
    dropout: float = Field(0.2, gt=0, lt=1, description="mc_dropout: of networks that have none of their own")
    flips: FlipRule = Field(
        "contradicted",
        description="all uncertain voxels change sides, or those whose label the mean prediction contradicts",
    )
    largest_change: float = Field(
        1.0, gt=0, description="share of its labelled voxels that may change in a case; one beyond it is left alone"
    )
    threshold: float | None = Field(
        None,
        gt=0,
        lt=MOST_UNCERTAINTY,
        description="uncertainty above which a voxel may change sides; null chooses it from the training maps",
    )
    folds: int = Field(3, ge=2, description="rounds of the cross-validation; one where cases.csv has a split column")
