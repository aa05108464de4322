"""The layout `arrays`: one NumPy file that holds a slice of every case, and a table that describes the cases."""

import csv
import zlib
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from overread.errors import InputError, describe_problem, make_study_error
from overread.study.cases import Case
from overread.study.importing.plan import SINGLE_CHANNEL, ImportPlan, PlannedCase
from overread.study.importing.settings import ImportSettings
from overread.study.rasters import Raster

SUBJECT_COLUMNS = ("subject_id", "patient_id")
"""Columns that name the subject where the settings do not say which one does, the first that there is."""
FILE_COLUMN = "file"
"""Column that names the original of a case."""


def plan_arrays(source: Path, settings: ImportSettings) -> ImportPlan:
    """Make a case of one slice, (X, Y, 1), of each image of an array (N, Y, X) and the row of a table beside it.

    Rows and columns of an image are taken to run to the patient's back and left, as in an axial DICOM slice. Where the
    settings name a folder of originals, a case whose column `file` names a DICOM file in it is read from that file.

    Args:
        source: `.npz` or `.npy` file.
        settings: with the table, and its columns.

    Raises:
        StudyError: the file or the table breaks a rule.
    """
    images = read_images(source, settings.array)
    rows = _read_rows(settings.metadata, len(images)) if settings.metadata else [{} for _ in images]
    _check_columns(rows, settings)
    cases = [_make_case(row, index, settings) for index, row in enumerate(rows)]
    planned, problems = [], _find_unknown_originals(rows, settings)
    for case, row, image in zip(cases, rows, images, strict=True):
        original = _find_original(row, settings)
        if original is None:
            planned.append(PlannedCase(case, (), partial(_to_channel, image, settings.spacing_mm)))
        else:
            planned.append(PlannedCase(case, (original,), partial(_read_original, original)))
    return ImportPlan(tuple(planned), 3, problems=tuple(problems))


def read_images(source: Path, name: str | None) -> NDArray[Any]:
    """Read the array (N, Y, X) of a NumPy file, named where there are several; it is never unpickled.

    Raises:
        StudyError: the file is damaged, or does not hold one such array.
    """
    try:
        arrays = _load(source)
    except (OSError, ValueError, EOFError, KeyError, BadZipFile, zlib.error) as error:
        hint = "copy it again; an array of Python objects is refused, for reading it could run code"
        raise make_study_error(
            "the arrays must be a whole .npz or .npy file", found=str(error), where=source.name, hint=hint
        ) from error
    if name is None and len(arrays) != 1:
        raise make_study_error("array must name one of the arrays", found=", ".join(arrays), where=source.name)
    if name is not None and name not in arrays:
        raise make_study_error(f"array must be one of {', '.join(arrays)}", found=repr(name), where=source.name)
    images = next(iter(arrays.values())) if name is None else arrays[name]
    if images.ndim != 3 or 0 in images.shape:
        hint = "one grey slice per case; for volumes write NIfTI files and use the layout folders"
        raise make_study_error("the images must be (N, Y, X)", found=images.shape, where=source.name, hint=hint)
    return images


def _load(source: Path) -> dict[str, NDArray[Any]]:
    content = np.load(source, allow_pickle=False)
    if isinstance(content, np.ndarray):
        return {"": content}
    with content:
        return {name: content[name] for name in content.files}


def _read_rows(path: Path, image_count: int) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [{key: (value or "").strip() for key, value in row.items() if key} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise make_study_error("metadata must be a UTF-8 CSV table", found=str(error)) from error
    if len(rows) != image_count:
        found = f"{len(rows)} rows and {image_count} images"
        raise make_study_error("metadata must have one row per image, in the same order", found=found, where=path.name)
    return rows


def _check_columns(rows: list[dict[str, str]], settings: ImportSettings) -> None:
    known = rows[0].keys()
    for setting, column in (("case_column", settings.case_column), ("subject_column", settings.subject_column)):
        if column is not None and column not in known:
            listed = ", ".join(known) or "none"
            raise make_study_error(f"{setting} must be a column of metadata", found=repr(column), hint=listed)


def _make_case(row: dict[str, str], index: int, settings: ImportSettings) -> Case:
    case_column = settings.case_column or "case_id"
    subject_column = settings.subject_column or next((name for name in SUBJECT_COLUMNS if name in row), "")
    case_id = row.get(case_column, "") or f"case{index:04}"
    columns = {name: value for name, value in row.items() if name not in (case_column, subject_column)}
    return Case(case_id, row.get(subject_column, "") or case_id, columns)


def _find_original(row: dict[str, str], settings: ImportSettings) -> Path | None:
    name = row.get(FILE_COLUMN, "")
    if settings.originals is None or not name or name != Path(name).name:
        return None
    path = settings.originals / name
    return path if path.is_file() else None


def _find_unknown_originals(rows: list[dict[str, str]], settings: ImportSettings) -> list[str]:
    """Name the files of the folder of originals that are of no case, or of several."""
    if settings.originals is None:
        return []
    if not settings.originals.is_dir():
        return [describe_problem("originals must be a folder", found=settings.originals)]
    counts = Counter(row.get(FILE_COLUMN, "") for row in rows)
    return [
        describe_problem(
            f"an original must be named once in the column {FILE_COLUMN} of metadata",
            found=f"{counts[path.name]} times",
            where=path.name,
        )
        for path in sorted(settings.originals.iterdir())
        if not path.name.startswith(".") and counts[path.name] != 1
    ]


def _to_channel(image: NDArray[Any], spacing_mm: tuple[float, float, float]) -> dict[str, Raster]:
    affine = np.diag([-spacing_mm[0], -spacing_mm[1], spacing_mm[2], 1.0])
    return {SINGLE_CHANNEL: Raster(np.ascontiguousarray(image.T[..., np.newaxis]), affine)}


def _read_original(path: Path) -> dict[str, Raster]:
    from overread.study.importing.dicom import read_series
    from overread.study.importing.dicom_header import read_slice_header

    header = read_slice_header(path)
    if header is None:
        raise InputError("an original must be a DICOM image", found=path.name)
    (raster,) = read_series([header]).values()
    return {SINGLE_CHANNEL: raster}
