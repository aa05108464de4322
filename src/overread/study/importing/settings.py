"""What an import needs to know beyond the files."""

from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field, model_validator

from overread.settings import Settings
from overread.study.importing.pattern import find_pattern_problem
from overread.study.schema import NAME_PATTERN, IntensitySettings, SourceKind

Layout: TypeAlias = Literal["folders", "msd", "nnunet", "dicom", "arrays"]
CROWD_PREFIX = "crowd"
"""A source whose name starts so is of the kind crowd."""


class ImportSettings(Settings):
    """How to read a data set that is not a study yet."""

    layout: Layout = Field(
        "folders",
        description="a folder per source, Medical Segmentation Decathlon, nnU-Net raw, a DICOM tree, or one NumPy file",
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
    metadata: Path | None = Field(None, description="arrays: CSV table with one row per image, in the same order")
    array: str | None = Field(None, description="arrays: which array of the file; not needed where it holds one")
    case_column: str | None = Field(None, description="arrays: column of metadata that names a case; default case_id")
    subject_column: str | None = Field(
        None, description="arrays: column of metadata that names the subject; default subject_id, else patient_id"
    )
    originals: Path | None = Field(
        None, description="arrays: folder of DICOM files; a case whose column file names one is read from it"
    )
    spacing_mm: tuple[float, float, float] = Field(
        (1.0, 1.0, 1.0), description="arrays: voxel size along columns, rows and slices"
    )
    intensity: IntensitySettings = IntensitySettings()

    @model_validator(mode="after")
    def _patterns_fit(self) -> "ImportSettings":
        if self.images is not None and self.layout != "folders":
            raise ValueError(f"images is for the layout folders; {self.layout} says itself where its images are")
        if self.labels is not None and self.layout in ("msd", "nnunet"):
            raise ValueError(f"labels is for the layouts folders and dicom; {self.layout} says where its masks are")
        if self.labels is not None and self.layout == "arrays":
            raise ValueError("labels is for the layouts folders and dicom; an array file comes without masks")
        for text, known in ((self.images, ("case", "channel")), (self.labels, ("case", "source"))):
            if text is not None and (problem := find_pattern_problem(text, known)):
                raise ValueError(problem)
        return self

    @model_validator(mode="after")
    def _array_settings_fit(self) -> "ImportSettings":
        of_arrays = ("metadata", "array", "case_column", "subject_column", "originals", "spacing_mm")
        if self.layout != "arrays" and (given := sorted(self.model_fields_set & set(of_arrays))):
            raise ValueError(f"{', '.join(given)}: for the layout arrays only, not for {self.layout}")
        if min(self.spacing_mm) <= 0:
            raise ValueError("spacing_mm must hold 3 positive numbers")
        return self
