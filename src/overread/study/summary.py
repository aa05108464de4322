"""A study in numbers: how many cases, and how many of them each source has labelled."""

from collections.abc import Mapping, Sequence

from overread.errors import InputError
from overread.settings import Settings
from overread.study.cases import Case
from overread.study.rasters import compute_spacing_mm, read_raster
from overread.study.schema import LoadUnit, SourceKind, StudySettings
from overread.study.study import Study, compute_load

LoadsBySource = Mapping[str, Mapping[str, float]]
"""Load of every labelled case of every source, in the study's load unit."""


class SourceSummary(Settings):
    """One source in numbers.

    Attributes:
        kind: human, crowd, consensus, ….
        labelled: cases with a mask, empty masks included.
        missing: cases without a mask.
        empty_cases: cases whose mask is empty: looked at, and nothing was found.
        mean_load: mean over the labelled cases, in the study's load unit; None where nothing is labelled.
    """

    kind: SourceKind
    labelled: int
    missing: int
    empty_cases: tuple[str, ...]
    mean_load: float | None

    @property
    def empty(self) -> int:
        """Number of empty masks."""
        return len(self.empty_cases)


class StudySummary(Settings):
    """A study in numbers.

    Attributes:
        name: name of the study.
        dimensions: 2 or 3.
        modality: for example MR, CT or microscopy.
        channels: names of the channels of every case.
        target: the structure that the masks outline.
        load_unit: unit of the mean loads.
        case_count: rows of the case table.
        subject_count: distinct subjects.
        columns: further columns of the case table.
        sources: each source in numbers, by name.
    """

    name: str
    dimensions: int
    modality: str
    channels: tuple[str, ...]
    target: str
    load_unit: LoadUnit
    case_count: int
    subject_count: int
    columns: tuple[str, ...]
    sources: dict[str, SourceSummary]


def describe_study(study: Study) -> StudySummary:
    """Read the masks of a study and count.

    Raises:
        InputError: a mask is damaged.
    """
    loads = {
        source: {case_id: _read_load(study, source, case_id) for case_id in study.labelled_case_ids(source)}
        for source in study.settings.sources
    }
    return summarise_study(study.settings, study.cases, loads)


def summarise_study(settings: StudySettings, cases: Sequence[Case], loads: LoadsBySource) -> StudySummary:
    """Count the cases of a study whose masks have been measured."""
    return StudySummary(
        name=settings.name,
        dimensions=settings.dimensions,
        modality=settings.modality,
        channels=settings.channels,
        target=settings.target,
        load_unit=settings.load_unit,
        case_count=len(cases),
        subject_count=len({case.subject_id for case in cases}),
        columns=tuple(dict.fromkeys(name for case in cases for name in case.columns)),
        sources={
            name: _summarise_source(source.kind, len(cases), loads.get(name, {}))
            for name, source in settings.sources.items()
        },
    )


def _summarise_source(kind: SourceKind, case_count: int, loads: Mapping[str, float]) -> SourceSummary:
    return SourceSummary(
        kind=kind,
        labelled=len(loads),
        missing=case_count - len(loads),
        empty_cases=tuple(case_id for case_id, load in loads.items() if load == 0),
        mean_load=sum(loads.values()) / len(loads) if loads else None,
    )


def _read_load(study: Study, source: str, case_id: str) -> float:
    raster = read_raster(study.labels(source).path(case_id))
    if raster.affine is None:
        size = study.settings.pixel_size_mm or 1.0
        return compute_load(raster.voxels > 0, (size, size))
    if raster.voxels.ndim != 3:
        raise InputError(
            "a mask must have 3 axes", found=raster.voxels.shape, where=f"case {case_id!r}, source {source!r}"
        )
    return compute_load(raster.voxels > 0, compute_spacing_mm(raster.affine))
