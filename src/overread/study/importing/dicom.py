"""The layout `dicom`: a tree of DICOM files, one case per series, masks optional.

Volumes are in Hounsfield units (CT) or stored units, RAS+.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray

from overread.errors import InputError, StudyError, describe_problem, make_study_error
from overread.study.cases import Case
from overread.study.importing.dicom_header import DAMAGE_ERRORS, SliceHeader, read_slice_header
from overread.study.importing.folders import add_masks, find_duplicate_files, find_mask_files, find_stray_masks
from overread.study.importing.pattern import list_files
from overread.study.importing.plan import ImportPlan, PlannedCase
from overread.study.importing.settings import ImportSettings
from overread.study.rasters import Raster
from overread.types import Affine

GAP_TOLERANCE = 0.1
"""Gaps between slices may differ from their mean by this share.

Headers round positions; a missing slice doubles a gap.
"""
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
Series = list[SliceHeader]


def read_series(series: Sequence[SliceHeader]) -> dict[str, Raster]:
    """Assemble a series into one channel, named after its modality, (X, Y, Z): columns, rows, slices.

    Slices are sorted by their position along the slice normal and rescaled by slope and intercept. The affine is that
    of DICOM PS3.3 C.7.6.2.1.1 with the signs of x and y changed (LPS to RAS). One slice alone has shape (X, Y, 1).

    Raises:
        InputError: the series is not one evenly spaced stack of grey slices, or a slice cannot be decoded.
    """
    first = series[0]
    _check_slices_alike(series)
    ordered = sort_slices(series)
    voxels = np.stack([_read_slice(header) for header in ordered], axis=-1)
    return {first.modality.lower(): Raster(_to_smallest_type(voxels), compute_series_affine(ordered))}


def sort_slices(series: Sequence[SliceHeader]) -> list[SliceHeader]:
    """Order slices by their position along the slice normal.

    Raises:
        InputError: two slices lie at one place, or a slice is missing.
    """
    heights = {header.path: compute_height_mm(header) for header in series}
    ordered = sorted(series, key=lambda header: heights[header.path])
    gaps = [heights[after.path] - heights[before.path] for before, after in pairwise(ordered)]
    if not gaps:
        return ordered
    if min(gaps) < 1e-3:
        hint = "a series of several time points or phases must be split first"
        raise InputError(
            "slices must lie at different places", found="two at one place", where=_name(series[0]), hint=hint
        )
    mean = sum(gaps) / len(gaps)
    if max(abs(gap - mean) for gap in gaps) > GAP_TOLERANCE * mean:
        found = f"gaps of {min(gaps):g} to {max(gaps):g} mm"
        hint = "a slice is missing, or the series holds several stacks"
        raise InputError("slices must be evenly spaced", found=found, where=_name(series[0]), hint=hint)
    return ordered


def compute_series_affine(ordered: Sequence[SliceHeader]) -> Affine:
    """Voxel (column, row, slice) to millimetre matrix, RAS+, of slices in their order along the normal.

    Raises:
        InputError: a single slice whose thickness is not known.
    """
    first, last = ordered[0], ordered[-1]
    position, axes, spacing = _get_geometry(first)
    affine = np.eye(4)
    affine[:3, 0] = axes[0] * spacing[1]
    affine[:3, 1] = axes[1] * spacing[0]
    affine[:3, 3] = position
    if len(ordered) > 1:
        affine[:3, 2] = (_get_geometry(last)[0] - position) / (len(ordered) - 1)
    elif first.slice_spacing_mm:
        affine[:3, 2] = np.cross(axes[0], axes[1]) * first.slice_spacing_mm
    else:
        raise InputError("the only slice of a series must have SliceThickness", where=_name(first))
    return np.asarray(_LPS_TO_RAS @ affine, np.float64)


def compute_height_mm(header: SliceHeader) -> float:
    """Position of a slice along the normal of its plane, in mm."""
    position, axes, _ = _get_geometry(header)
    return float(np.dot(np.cross(axes[0], axes[1]), position))


def _get_geometry(header: SliceHeader) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, ...]]:
    if header.position_mm is None or header.axes is None or header.pixel_spacing_mm is None:
        raise InputError(
            "a slice must have ImagePositionPatient, ImageOrientationPatient and PixelSpacing",
            where=_name(header),
            hint="projections such as radiographs have none; export them as PNG and use the layout folders",
        )
    return np.array(header.position_mm), np.array(header.axes).reshape(2, 3), header.pixel_spacing_mm


def _check_slices_alike(series: Sequence[SliceHeader]) -> None:
    first = series[0]
    if any(header.frames > 1 or header.samples > 1 for header in series):
        hint = "convert multi-frame or colour files first, for example with dcm2niix"
        raise InputError("a DICOM file must hold one grey slice", where=_name(first), hint=hint)
    for header in series[1:]:
        same_grid = (header.rows, header.row_length) == (first.rows, first.row_length)
        if not same_grid or not _have_same_plane(header, first):
            hint = "the series holds a localiser or several stacks; split it"
            raise InputError(
                "the slices of a series must share size, spacing and direction", where=_name(header), hint=hint
            )


def _have_same_plane(one: SliceHeader, other: SliceHeader) -> bool:
    _, one_axes, one_spacing = _get_geometry(one)
    _, other_axes, other_spacing = _get_geometry(other)
    return np.allclose(one_axes, other_axes, atol=1e-3) and np.allclose(one_spacing, other_spacing, atol=1e-3)


def _read_slice(header: SliceHeader) -> NDArray[Any]:
    """Rescaled pixels, (X, Y)."""
    try:
        dataset = pydicom.dcmread(header.path)
        slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
        return np.asarray(dataset.pixel_array.T * slope + intercept, np.float64)
    except DAMAGE_ERRORS as error:
        raise InputError(
            "a DICOM slice must be whole and of a known compression",
            found=str(error).splitlines()[0] if str(error) else type(error).__name__,
            where=header.path.name,
            hint="copy it again, or decompress it, for example with `gdcmconv --raw`",
        ) from error


def _to_smallest_type(voxels: NDArray[Any]) -> NDArray[Any]:
    """Whole numbers become int16 where they fit, all else float32."""
    limits = np.iinfo(np.int16)
    fits = voxels.min() >= limits.min and voxels.max() <= limits.max
    return voxels.astype(np.int16 if fits and np.array_equal(voxels, np.rint(voxels)) else np.float32)


def _name(header: SliceHeader) -> str:
    return f"series {header.series_uid} with {header.path.name}"


def plan_dicom(source: Path, settings: ImportSettings) -> ImportPlan:
    """Group the images below `source` by series.

    A case is named after its PatientID; where a patient has several series, after PatientID and SeriesNumber; where
    these are not unique either, the first 8 digits of the SHA-256 of the SeriesInstanceUID are added. Files that are no
    DICOM images (DICOMDIR, reports, presentation states) are left out.

    Raises:
        StudyError: there is no DICOM image.
    """
    files = list_files(source)
    series_by_uid, problems = _group_by_series(files)
    if not series_by_uid:
        if problems:
            raise StudyError(problems)
        raise make_study_error("a DICOM tree must hold images", found="none", where=str(source))
    cases = _plan_cases(list(series_by_uid.values()))
    masks = find_mask_files(source, files, settings)
    problems += find_duplicate_files(source, masks, "mask")
    problems += find_stray_masks(source, masks, {planned.case.case_id for planned in cases})
    modalities = sorted({series[0].modality for series in series_by_uid.values()})
    if len(modalities) > 1:
        hint = "import each modality on its own"
        problems.append(describe_problem("all series must have one modality", found=", ".join(modalities), hint=hint))
    return ImportPlan(add_masks(cases, masks), 3, modality=modalities[0], problems=tuple(problems))


def _group_by_series(files: Sequence[Path]) -> tuple[dict[str, Series], list[str]]:
    """Headers of the images by SeriesInstanceUID, and what is wrong with the other images."""
    series_by_uid: dict[str, Series] = defaultdict(list)
    problems = []
    for path in files:
        try:
            header = read_slice_header(path)
        except InputError as error:
            problems.append(str(error))
            continue
        if header is not None:
            series_by_uid[header.series_uid].append(header)
    return series_by_uid, problems


def name_cases(all_series: Sequence[Series]) -> list[str]:
    """Name a case for each series, in the order given; the same names whatever the order."""
    by_patient = [_to_plain_name(series[0].patient_id) or "series" for series in all_series]
    by_number = [
        f"{patient}_{_to_plain_name(series[0].series_number) or 'series'}"
        for patient, series in zip(by_patient, all_series, strict=True)
    ]
    by_uid = [
        f"{numbered}_{hashlib.sha256(series[0].series_uid.encode()).hexdigest()[:8]}"
        for numbered, series in zip(by_number, all_series, strict=True)
    ]
    patients, numbers = Counter(by_patient), Counter(by_number)
    return [
        patient if patients[patient] == 1 else numbered if numbers[numbered] == 1 else unique
        for patient, numbered, unique in zip(by_patient, by_number, by_uid, strict=True)
    ]


def _plan_cases(all_series: Sequence[Series]) -> list[PlannedCase]:
    filled = {name for series in all_series for name, value in series[0].columns.items() if value}
    cases = []
    for case_id, series in sorted(zip(name_cases(all_series), all_series, strict=True), key=lambda pair: pair[0]):
        columns = {name: value for name, value in series[0].columns.items() if name in filled}
        case = Case(case_id, series[0].patient_id or case_id, columns)
        cases.append(PlannedCase(case, tuple(header.path for header in series), partial(read_series, series)))
    return cases


def _to_plain_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_+-]+", "-", text).strip("-_+")
