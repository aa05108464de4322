"""The layout `dicom`: a tree of DICOM files, one case per series, masks optional."""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from overread.errors import InputError, StudyError
from overread.study.cases import Case
from overread.study.importing.dicom_header import SliceHeader, read_slice_header
from overread.study.importing.dicom_volume import read_series
from overread.study.importing.folders import add_masks, find_duplicate_files, find_mask_files, find_stray_masks
from overread.study.importing.pattern import list_files
from overread.study.importing.plan import ImportPlan, PlannedCase
from overread.study.importing.settings import ImportSettings
from overread.study.problem import describe_problem, make_study_error

Series = list[SliceHeader]


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
