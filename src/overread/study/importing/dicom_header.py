"""What the header of one DICOM slice says."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

from overread.errors import InputError

COLUMNS = {
    "manufacturer": "Manufacturer",
    "model": "ManufacturerModelName",
    "age": "PatientAge",
    "sex": "PatientSex",
    "site": "InstitutionName",
    "station": "StationName",
    "body_part": "BodyPartExamined",
    "kernel": "ConvolutionKernel",
    "kvp": "KVP",
    "field_strength_t": "MagneticFieldStrength",
    "slice_thickness_mm": "SliceThickness",
    "contrast": "ContrastBolusAgent",
    "series_uid": "SeriesInstanceUID",
}
"""Columns of the case table and the DICOM attributes that fill them."""
_GEOMETRY = (
    "SOPClassUID", "Modality", "PatientID", "SeriesNumber", "Rows", "Columns", "NumberOfFrames", "SamplesPerPixel",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SpacingBetweenSlices",
)  # fmt: skip
_DICOM_SUFFIXES = (".dcm", ".ima")
DAMAGE_ERRORS = (
    AttributeError,
    BytesLengthException,
    KeyError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
"""What pydicom raises for damaged files, and for pixels that it cannot decode."""
_DAYS_BY_UNIT = {"D": 1.0, "W": 7.0, "M": 30.4375, "Y": 365.25}


@dataclass(frozen=True)
class SliceHeader:
    """One DICOM image file.

    Attributes:
        path: the file.
        series_uid: the series that it belongs to.
        patient_id: as stored, may be empty.
        series_number: as stored, may be empty.
        modality: CT, MR, ….
        columns: what goes into the case table, as text.
        rows, row_length: pixels down and across.
        frames, samples: 1 for an ordinary grey slice.
        position_mm: centre of the first pixel, LPS+; None where the header does not say.
        axes: unit vectors (2, 3) along a row and down a column, LPS+.
        pixel_spacing_mm: between rows, between columns.
        slice_spacing_mm: between slices, else their thickness; for a series of one slice.
    """

    path: Path
    series_uid: str
    patient_id: str
    series_number: str
    modality: str
    columns: Mapping[str, str]
    rows: int
    row_length: int
    frames: int
    samples: int
    position_mm: tuple[float, ...] | None
    axes: tuple[float, ...] | None
    pixel_spacing_mm: tuple[float, ...] | None
    slice_spacing_mm: float | None


def read_slice_header(path: Path) -> SliceHeader | None:
    """Read the header of a DICOM image; None for a file that is no DICOM image.

    Raises:
        InputError: the file is a damaged DICOM image.
    """
    tags = [*COLUMNS.values(), *_GEOMETRY]
    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
        return _to_slice_header(header, path) if _is_image(header) else None
    except InvalidDicomError:
        if path.suffix.lower() in _DICOM_SUFFIXES:
            raise InputError("a DICOM file must begin with the DICOM prefix", where=path.name) from None
        return None
    except DAMAGE_ERRORS as error:
        hint = "copy the file again, it may be truncated"
        raise InputError("a DICOM image must be whole", found=path.name, where=str(error), hint=hint) from error


def convert_age_to_years(text: str) -> str:
    """A DICOM age such as `060Y`, `018M`, `003W` or `010D` in years, at most two decimals; empty where it is none."""
    number, unit = text[:-1], text[-1:]
    if unit not in _DAYS_BY_UNIT or not number.isdigit():
        return ""
    return f"{int(number) * _DAYS_BY_UNIT[unit] / _DAYS_BY_UNIT['Y']:.2f}".rstrip("0").rstrip(".")


def _is_image(header: Dataset) -> bool:
    """Reports, plans and segmentations are not; of a private kind, what has rows is."""
    kind = UID(str(header.get("SOPClassUID") or header.file_meta.get("MediaStorageSOPClassUID") or ""))
    is_known = kind.name != str(kind)
    return kind.name.endswith("Image Storage") if is_known else "Rows" in header or not kind.is_private


def _to_slice_header(header: Dataset, path: Path) -> SliceHeader:
    return SliceHeader(
        path=path,
        series_uid=str(header.SeriesInstanceUID),
        patient_id=_to_text(header.get("PatientID")),
        series_number=_to_text(header.get("SeriesNumber")),
        modality=_to_text(header.get("Modality")) or "OT",
        columns={name: _to_column(name, header.get(keyword)) for name, keyword in COLUMNS.items()},
        rows=int(header.Rows),
        row_length=int(header.Columns),
        frames=int(header.get("NumberOfFrames") or 1),
        samples=int(header.get("SamplesPerPixel") or 1),
        position_mm=_to_numbers(header.get("ImagePositionPatient"), 3),
        axes=_to_numbers(header.get("ImageOrientationPatient"), 6),
        pixel_spacing_mm=_to_numbers(header.get("PixelSpacing"), 2),
        slice_spacing_mm=_to_number(header.get("SpacingBetweenSlices")) or _to_number(header.get("SliceThickness")),
    )


def _to_column(name: str, value: Any) -> str:
    text = _to_text(value)
    if name == "age":
        return convert_age_to_years(text)
    number = _to_number(value) if name in ("kvp", "field_strength_t", "slice_thickness_mm") else None
    return text if number is None else f"{number:g}"


def _to_text(value: Any) -> str:
    if value is None:
        return ""
    parts = [str(value)] if isinstance(value, str) or not hasattr(value, "__iter__") else [str(part) for part in value]
    return " ".join(" ".join(parts).split())


def _to_number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _to_numbers(values: Any, count: int) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count else None
