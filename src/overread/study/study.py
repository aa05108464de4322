"""A study on disk, opened for reading."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from overread.errors import InputError, StudyError
from overread.study.cases import Case, read_cases
from overread.study.label_set import LabelSet
from overread.study.rasters import (
    IMAGE_SUFFIX,
    VOLUME_SUFFIX,
    compute_spacing_mm,
    read_affine_and_shape,
    read_raster,
    write_mask,
)
from overread.study.schema import Provenance, SourceSettings, StudySettings
from overread.types import Affine, Image, Mask, Spacing

SETTINGS_FILE = "study.yaml"
CASES_FILE = "cases.csv"
RATINGS_FILE = "ratings.csv"
IMAGES_FOLDER = "images"
LABELS_FOLDER = "labels"


@dataclass(frozen=True)
class Study:
    """A folder in the study format; files are read when asked for.

    Attributes:
        root: the folder that holds `study.yaml`.
        settings: the content of `study.yaml`.
        cases: the rows of `cases.csv`, in order.
    """

    root: Path
    settings: StudySettings
    cases: tuple[Case, ...]

    @classmethod
    def open(cls, root: Path) -> "Study":
        """Open a study without reading any image.

        Raises:
            StudyError: the folder is not a study, or its case table breaks a rule.
            SettingsError: `study.yaml` breaks a rule.
        """
        if not (root / SETTINGS_FILE).is_file():
            raise StudyError(
                [
                    f"a study must hold {SETTINGS_FILE}, got none in {root}. "
                    "Hint: make one with `overread study import` or `overread study demo`."
                ]
            )
        return cls(root, StudySettings.read_yaml(root / SETTINGS_FILE), read_cases(root / CASES_FILE))

    @property
    def suffix(self) -> str:
        """File name ending of its images and masks."""
        return VOLUME_SUFFIX if self.settings.dimensions == 3 else IMAGE_SUFFIX

    @cached_property
    def case_ids(self) -> tuple[str, ...]:
        """All cases, in the order of the case table."""
        return tuple(case.case_id for case in self.cases)

    @cached_property
    def subject_of(self) -> dict[str, str]:
        """Subject of each case."""
        return {case.case_id: case.subject_id for case in self.cases}

    def select_sources(self, names: Sequence[str] = ()) -> tuple[str, ...]:
        """Return `names` once checked, or all sources that are neither hidden nor derived from others.

        Raises:
            InputError: a name is not a source of the study, or is given twice.
        """
        known = self.settings.sources
        if not names:
            derived = ("perturbed", "relabelled", "model", "consensus")
            return tuple(name for name, source in known.items() if not source.hidden and source.kind not in derived)
        for name in names:
            if name not in known:
                raise InputError(
                    "a source must be one of the study", found=repr(name), hint=f"known: {', '.join(known)}"
                )
            if list(names).count(name) > 1:
                raise InputError("a source must be named once", found=repr(name))
        return tuple(names)

    def select_sources_and_further(self, names: Sequence[str], further: Sequence[str]) -> tuple[str, ...]:
        """What `select_sources` returns for `names`, and the sources in `further` that are not among them.

        Raises:
            InputError: see `select_sources`.
        """
        added = self.select_sources(further) if further else ()
        return tuple(dict.fromkeys((*self.select_sources(names), *added)))

    def image_path(self, case_id: str, channel: str) -> Path:
        """File of one channel of a case."""
        return self.root / IMAGES_FOLDER / case_id / f"{channel}{self.suffix}"

    def labels(self, source: str) -> LabelSet:
        """The label set of a source."""
        return LabelSet(source, self.root / LABELS_FOLDER / source, self.suffix)

    def provenance_path(self, source: str) -> Path:
        """File that says how a source was made."""
        return self.root / LABELS_FOLDER / f"{source}.provenance.yaml"

    def labelled_case_ids(self, source: str) -> tuple[str, ...]:
        """Cases that a source has labelled, in the order of the case table."""
        return self.labels(source).select_labelled(self.case_ids)

    def read_image(self, case_id: str) -> Image:
        """Read all channels of a case, (C, *S) float32, intensities as stored."""
        paths = (self.image_path(case_id, channel) for channel in self.settings.channels)
        return np.stack([np.asarray(read_raster(path).voxels, np.float32) for path in paths])

    def read_affine(self, case_id: str) -> Affine | None:
        """Voxel to millimetre matrix of a case; None in 2D."""
        if self.settings.dimensions == 2:
            return None
        return read_affine_and_shape(self.image_path(case_id, self.settings.channels[0]))[0]

    def read_spacing(self, case_id: str) -> Spacing:
        """Voxel size along each spatial axis, in `settings.length_unit`."""
        affine = self.read_affine(case_id)
        if affine is None:
            size = self.settings.pixel_size_mm or 1.0
            return (size, size)
        return compute_spacing_mm(affine)


def compute_load(mask: Mask, spacing: Spacing) -> float:
    """Labelled volume in ml (3D), or area in the square of the spacing's unit (2D)."""
    voxel = float(np.prod(spacing))
    return float(np.count_nonzero(mask)) * (voxel / 1000 if mask.ndim == 3 else voxel)


def add_source(
    root: Path,
    name: str,
    *,
    settings: SourceSettings,
    masks: Iterable[tuple[str, Mask, Affine | None]],
    provenance: Provenance,
) -> None:
    """Write a new source into the study at `root`: masks, provenance and its entry in `study.yaml`.

    The source appears whole or not at all. An existing source is never overwritten.

    Args:
        root: folder of the study.
        name: name of the new source.
        settings: its entry in `study.yaml`.
        masks: case id, mask (*S) and affine (None in 2D) of every case.
        provenance: how it was made.

    Raises:
        InputError: the study has a source of that name.
    """
    study = Study.open(root)
    folder = root / LABELS_FOLDER / name
    if name in study.settings.sources or folder.exists() or study.provenance_path(name).exists():
        raise InputError("a source is never overwritten; the new name must be free", found=repr(name))
    partial = folder.with_name(f".{name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        for case_id, mask, affine in masks:
            write_mask(partial / f"{case_id}{study.suffix}", mask, affine)
        partial.rename(folder)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    provenance.write_yaml(study.provenance_path(name))
    sources = {**study.settings.sources, name: settings}
    study.settings.model_copy(update={"sources": sources}).write_yaml(root / SETTINGS_FILE)
