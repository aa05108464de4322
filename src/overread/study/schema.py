"""What `study.yaml` and a provenance file hold."""

import re
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from overread.settings import Settings

LengthUnit: TypeAlias = Literal["mm", "px"]
LoadUnit: TypeAlias = Literal["ml", "mm²", "px²"]


SourceKind: TypeAlias = Literal[
    "human", "crowd", "semi-automatic", "consensus", "perturbed", "relabelled", "model", "synthetic"
]
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$"
"""Names of studies, sources, channels and cases: they become folder and file names."""


class SourceSettings(Settings):
    """One complete or partial set of labels."""

    kind: SourceKind
    description: str = ""
    hidden: bool = Field(False, description="left out when a command or pipeline takes all sources")
    rereads: str | None = Field(None, description="the source whose rater has drawn this one as a second reading")


class IntensitySettings(Settings):
    """How intensities are brought to a common scale before a network sees them."""

    recipe: Literal["z_score", "window"] = "z_score"
    nonzero_only: bool = Field(
        False, description="z_score: take mean and std over voxels that are not 0 (skull-stripped)"
    )
    window_centre: float = Field(0.0, description="window: centre, in stored units (HU for CT)")
    window_width: float = Field(1.0, gt=0, description="window: full width, in stored units (HU for CT)")


class StudySettings(Settings):
    """The content of `study.yaml`."""

    name: str = Field(pattern=NAME_PATTERN)
    dimensions: Literal[2, 3]
    modality: str = Field(description="for example MR, CT or microscopy")
    channels: tuple[str, ...] = Field(min_length=1, description="one file per channel and case")
    target: str = Field(description="the structure that the masks outline, singular")
    pixel_size_mm: float | None = Field(None, gt=0, description="2D only: size of a square pixel; None where unknown")
    intensity: IntensitySettings = IntensitySettings()
    ratings_outcome: str | None = Field(None, description="the column of cases.csv that ratings.csv is to predict")
    sources: dict[str, SourceSettings] = Field({}, description="label sets by name")

    @field_validator("channels")
    @classmethod
    def _channels_differ(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(channels)) != len(channels):
            raise ValueError("channels must differ")
        return channels

    @model_validator(mode="after")
    def _names_are_file_names(self) -> "StudySettings":
        for name in (*self.channels, *self.sources):
            if not re.fullmatch(NAME_PATTERN, name):
                raise ValueError(f"{name!r} must be letters, digits, '_', '.', '+' and '-' only")
        if self.dimensions == 3 and self.pixel_size_mm is not None:
            raise ValueError("pixel_size_mm is for 2D studies; a 3D study has its spacing in the NIfTI headers")
        return self

    @model_validator(mode="after")
    def _second_readings_have_a_first(self) -> "StudySettings":
        for name, other in self.rereads.items():
            if other not in self.sources:
                known = ", ".join(self.sources)
                raise ValueError(f"sources.{name}.rereads must be a source of the study ({known}), got {other!r}")
            if other == name or other in self.rereads:
                raise ValueError(f"sources.{name}.rereads must be a first reading by the same rater, got {other!r}")
        return self

    @property
    def rereads(self) -> dict[str, str]:
        """First reading of each source that is a second reading by the same rater."""
        return {name: source.rereads for name, source in self.sources.items() if source.rereads is not None}

    def keep_sources(self, names: Sequence[str]) -> "StudySettings":
        """The same study with the given sources alone; a second reading without its first is as any other."""
        kept = {name: self.sources[name] for name in names}
        for name, source in kept.items():
            if source.rereads not in kept:
                kept[name] = source.model_copy(update={"rereads": None})
        return self.model_copy(update={"sources": kept})

    @property
    def length_unit(self) -> LengthUnit:
        """Unit of spacings and surface distances."""
        return "mm" if self.dimensions == 3 or self.pixel_size_mm is not None else "px"

    @property
    def load_unit(self) -> LoadUnit:
        """Unit of loads."""
        if self.dimensions == 3:
            return "ml"
        return "px²" if self.pixel_size_mm is None else "mm²"


class Provenance(Settings):
    """How a derived source was made: the content of `labels/<source>.provenance.yaml`."""

    operation: str = Field(description="for example import, perturb, consensus, predict")
    parents: dict[str, str] = Field({}, description="what it was made from, each with its SHA-256 digest")
    parameters: dict[str, Any] = Field({}, description="settings of the operation")
    seed: int | None = None
    cases: dict[str, dict[str, Any]] = Field({}, description="per-case results of the operation")
