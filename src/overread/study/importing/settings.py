"""What an import needs to know beyond the files."""

from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from overread.settings import Settings
from overread.study.importing.pattern import find_pattern_problem
from overread.study.schema import NAME_PATTERN, IntensitySettings, SourceKind

Layout: TypeAlias = Literal["folders", "msd", "nnunet", "dicom"]
CROWD_PREFIX = "crowd"
"""A source whose name starts so is of the kind crowd."""


class ImportSettings(Settings):
    """How to read a data set that is not a study yet."""

    layout: Layout = Field(
        "folders", description="a folder per source, Medical Segmentation Decathlon, nnU-Net raw, or a DICOM tree"
    )
    name: str | None = Field(None, description="name of the study; the target folder's name when not given")
    modality: str | None = Field(
        None, description="for example MR, CT or microscopy; when not given, what the layout says, else 'unspecified'"
    )
    target: str | None = Field(
        None, description="the structure outlined, singular; when not given, what the layout says, else 'structure'"
    )
    images: str | None = Field(
        None,
        description="folders: pattern of image files with {case}, {channel} and *; "
        "default images/{case}/{channel}.* and images/{case}.*",
    )
    labels: str | None = Field(
        None,
        description="folders and dicom: pattern of mask files with {case}, {source} and *; "
        "default labels/{source}/{case}.* and labels/{case}.*; a file that matches it is no image",
    )
    source_name: str = Field(
        "reference", pattern=NAME_PATTERN, description="name of the source where neither layout nor pattern names one"
    )
    source_kind: SourceKind = Field(
        "human", description=f"kind of the sources; those named {CROWD_PREFIX}… are of the kind crowd"
    )
    label_values: tuple[int, ...] = Field(
        (), description="mask values that make up the structure; without it a mask holds 0 and one other value"
    )
    pixel_size_mm: float | None = Field(None, gt=0, description="2D only: size of a square pixel; None where unknown")
    intensity: IntensitySettings = IntensitySettings()

    @model_validator(mode="after")
    def _patterns_fit(self) -> "ImportSettings":
        if self.images is not None and self.layout != "folders":
            raise ValueError(f"images is for the layout folders; {self.layout} says itself where its images are")
        if self.labels is not None and self.layout in ("msd", "nnunet"):
            raise ValueError(f"labels is for the layouts folders and dicom; {self.layout} says where its masks are")
        for text, known in ((self.images, ("case", "channel")), (self.labels, ("case", "source"))):
            if text is not None and (problem := find_pattern_problem(text, known)):
                raise ValueError(problem)
        return self
