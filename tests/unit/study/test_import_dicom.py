from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import BasicTextSRStorage, CTImageStorage, ExplicitVRLittleEndian, generate_uid

from overread.study.importing.dicom_header import convert_age_to_years
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.study import Study

DICOM = ImportSettings(layout="dicom")
ROWS, COLUMNS = 4, 5


def write_slice(path: Path, series: str = "1.2.3", *, z_mm: float = 0, value: int = 0, **attributes) -> None:
    """A CT slice of 4 × 5 pixels that holds `value` + 100 × row + column; pixels of 2 mm down, 0.5 mm across."""
    slice_ = Dataset()
    slice_.file_meta = FileMetaDataset()
    slice_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    slice_.file_meta.MediaStorageSOPClassUID = slice_.SOPClassUID = CTImageStorage
    slice_.file_meta.MediaStorageSOPInstanceUID = slice_.SOPInstanceUID = generate_uid(entropy_srcs=[str(path)])
    slice_.SeriesInstanceUID, slice_.SeriesNumber, slice_.Modality = series, 7, "CT"
    slice_.PatientID, slice_.PatientAge, slice_.PatientSex = "anna", "060Y", "F"
    slice_.Manufacturer, slice_.ManufacturerModelName, slice_.InstitutionName = "ACME", "Scan 1", "St. Mary"
    slice_.KVP, slice_.ConvolutionKernel, slice_.SliceThickness = "120", ["B31f", "2"], "3.0"
    slice_.ImagePositionPatient, slice_.ImageOrientationPatient = [10, 20, z_mm], [1, 0, 0, 0, 1, 0]
    slice_.PixelSpacing, slice_.Rows, slice_.Columns = [2.0, 0.5], ROWS, COLUMNS
    slice_.SamplesPerPixel, slice_.PhotometricInterpretation = 1, "MONOCHROME2"
    slice_.BitsAllocated = slice_.BitsStored = 16
    slice_.HighBit, slice_.PixelRepresentation = 15, 0
    slice_.RescaleSlope, slice_.RescaleIntercept = "1", "-1024"
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    slice_.PixelData = (value + 100 * rows + columns).astype(np.uint16).tobytes()
    for name, content in attributes.items():
        if content is None:
            delattr(slice_, name)
        else:
            setattr(slice_, name, content)
    path.parent.mkdir(parents=True, exist_ok=True)
    slice_.save_as(path, enforce_file_format=True)


@pytest.fixture
def series(data_set):
    """Three slices 4 mm apart, their file names in another order than their places."""
    for name, index in (("x", 2), ("y", 0), ("z", 1)):
        write_slice(data_set.path(f"deep/{name}"), z_mm=100 + 4 * index, value=1000 * index)
    return data_set


def test_slices_are_sorted_rescaled_and_placed(series):
    import_study(series.root, series.study, settings=DICOM)
    study = Study.open(series.study)
    image = study.read_image("anna")
    assert image.shape == (1, COLUMNS, ROWS, 3)
    assert image[0, 3, 2, 1] == 1000 + 100 * 2 + 3 - 1024
    # LPS to RAS turns the signs of x and y: column 0, row 0 of the lowest slice lies at (-10, -20, 100).
    expected = [[-0.5, 0, 0, -10], [0, -2, 0, -20], [0, 0, 4, 100], [0, 0, 0, 1]]
    assert np.allclose(study.read_affine("anna"), expected)
    assert study.read_spacing("anna") == (0.5, 2.0, 4.0)


def test_the_header_fills_the_case_table(series):
    summary = import_study(series.root, series.study, settings=DICOM)
    (case,) = Study.open(series.study).cases
    assert (case.case_id, case.subject_id, summary.modality, summary.channels) == ("anna", "anna", "CT", ("ct",))
    assert dict(case.columns) == {
        "manufacturer": "ACME",
        "model": "Scan 1",
        "age": "60",
        "sex": "F",
        "site": "St. Mary",
        "kernel": "B31f 2",
        "kvp": "120",
        "slice_thickness_mm": "3",
        "series_uid": "1.2.3",
    }


def test_each_series_is_a_case_of_its_patient(data_set):
    write_slice(data_set.path("a"), "1.1")
    write_slice(data_set.path("b"), "1.2", SeriesNumber=8)
    write_slice(data_set.path("c"), "1.3", PatientID="bert/2")
    import_study(data_set.root, data_set.study, settings=DICOM)
    cases = Study.open(data_set.study).cases
    assert [(case.case_id, case.subject_id) for case in cases] == [
        ("anna_7", "anna"),
        ("anna_8", "anna"),
        ("bert-2", "bert/2"),
    ]


def test_series_that_share_patient_and_number_get_different_names(data_set):
    write_slice(data_set.path("a"), "1.1")
    write_slice(data_set.path("b"), "1.2")
    import_study(data_set.root, data_set.study, settings=DICOM)
    first, second = Study.open(data_set.study).case_ids
    assert first != second
    assert first.startswith("anna_7_")
    assert second.startswith("anna_7_")


def test_a_single_slice_is_as_thick_as_its_header_says(data_set):
    write_slice(data_set.path("a"))
    import_study(data_set.root, data_set.study, settings=DICOM)
    study = Study.open(data_set.study)
    assert study.read_image("anna").shape == (1, COLUMNS, ROWS, 1)
    assert study.read_spacing("anna") == (0.5, 2.0, 3.0)


def test_slices_along_another_axis_are_sorted_along_their_normal(data_set):
    # Coronal: rows run to the left, columns to the feet; the normal, row × column, is (0, 1, 0).
    for name, y_mm in (("a", 30), ("b", 10), ("c", 20)):
        write_slice(
            data_set.path(name),
            value=y_mm,
            ImageOrientationPatient=[1, 0, 0, 0, 0, -1],
            ImagePositionPatient=[0, y_mm, 0],
        )
    import_study(data_set.root, data_set.study, settings=DICOM)
    study = Study.open(data_set.study)
    assert study.read_image("anna")[0, 0, 0].tolist() == [10 - 1024, 20 - 1024, 30 - 1024]
    assert np.allclose(study.read_affine("anna")[:3, 2], [0, -10, 0])


def test_masks_beside_the_series_are_imported(series):
    affine = np.array([[-0.5, 0, 0, -10], [0, -2, 0, -20], [0, 0, 4, 100], [0, 0, 0, 1]])
    mask = np.zeros((COLUMNS, ROWS, 3), np.uint8)
    mask[0, 0, 0] = 1
    series.volume("labels/ann/anna.nii.gz", mask, affine)
    summary = import_study(series.root, series.study, settings=DICOM)
    assert summary.sources["ann"].mean_load == pytest.approx(0.5 * 2 * 4 / 1000)


def test_fractional_slopes_give_float32(series):
    for path in (series.root / "deep").iterdir():
        path.unlink()
    write_slice(series.path("a"), RescaleSlope="0.5", RescaleIntercept="0")
    import_study(series.root, series.study, settings=DICOM)
    assert Study.open(series.study).read_image("anna")[0, 1, 0, 0] == 0.5


def test_files_that_are_no_images_are_left_out(series):
    series.text("DICOMDIR", "not an image")
    series.text("LICENSE.txt", "")
    assert import_study(series.root, series.study, settings=DICOM).case_count == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"z_mm": 104}, "slices must lie at different places, got two at one place"),
        ({"z_mm": 116}, "slices must be evenly spaced, got gaps of 4 to 8 mm"),
        ({"z_mm": 112, "PixelSpacing": [2.0, 2.0]}, "the slices of a series must share size, spacing and direction"),
        ({"z_mm": 112, "Rows": 5, "Columns": 4}, "the slices of a series must share size, spacing and direction"),
        ({"z_mm": 112, "ImagePositionPatient": None}, "a slice must have ImagePositionPatient"),
        ({"z_mm": 112, "NumberOfFrames": 2}, "a DICOM file must hold one grey slice"),
        ({"z_mm": 112, "PixelData": b"\0\0"}, "a DICOM slice must be whole and of a known compression"),
        ({"z_mm": 112, "PixelData": None}, "a DICOM slice must be whole and of a known compression"),
    ],
)
def test_a_series_that_is_no_stack_is_told(series, changes, message):
    write_slice(series.path("deep/more"), **changes)
    (problem,) = series.problems(DICOM)
    assert problem.startswith(f"case 'anna': {message}")


def test_a_tilted_gantry_is_told(data_set):
    for index in range(3):
        write_slice(data_set.path(f"{index}"), ImagePositionPatient=[0, index, 4 * index])
    (problem,) = data_set.problems(DICOM)
    assert problem.startswith("the axes of a volume must be perpendicular, got sheared axes; case 'anna'")


def test_a_single_slice_of_unknown_thickness_is_told(data_set):
    write_slice(data_set.path("a"), SliceThickness=None)
    assert "the only slice of a series must have SliceThickness" in data_set.problems(DICOM)[0]


def test_two_modalities_are_told(series):
    write_slice(series.path("mr"), "9.9", Modality="MR", PatientID="bert")
    assert series.problems(DICOM)[0].startswith("all series must have one modality, got CT, MR.")


def test_a_tree_without_dicom_is_told(data_set):
    data_set.text("notes.txt", "")
    assert data_set.problems(DICOM)[0].startswith("a DICOM tree must hold images, got none")


@pytest.mark.parametrize(
    ("text", "years"),
    [("060Y", "60"), ("018M", "1.5"), ("052W", "1"), ("000D", "0"), ("", ""), ("old", ""), ("60", "")],
)
def test_ages_are_converted_to_years(text, years):
    assert convert_age_to_years(text) == years


def test_a_truncated_header_is_told_and_not_left_out(series):
    path = series.root / "deep" / "x"
    path.write_bytes(path.read_bytes()[:400])
    (problem,) = series.problems(DICOM)
    assert problem.startswith("a DICOM image must be whole, got x; ")


def test_a_dcm_file_that_is_no_dicom_is_told(series):
    series.text("deep/w.dcm", "version https://git-lfs.github.com/spec/v1")
    assert series.problems(DICOM) == ("a DICOM file must begin with the DICOM prefix; w.dcm.",)


def test_reports_beside_the_images_are_left_out(series):
    write_slice(series.path("report.dcm"), "5.5", SOPClassUID=BasicTextSRStorage, Rows=None)
    assert import_study(series.root, series.study, settings=DICOM).case_count == 1
