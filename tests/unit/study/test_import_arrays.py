"""The layout `arrays`: one NumPy file, a row of a table per image, DICOM originals where there are any."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from overread.errors import InputError, SettingsError, StudyError
from overread.study.check import check_study
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.study import Study

IMAGES = np.arange(24, dtype=np.int16).reshape(2, 3, 4) - 1000
TABLE = "patient_id,file,vendor\np1,a.dcm,ACME\np2,b.dcm,Other\n"


def write(folder: Path, images: NDArray = IMAGES, table: str | None = TABLE, **values: object) -> ImportSettings:
    np.savez(folder / "slices.npz", images=images)
    if table is not None:
        (folder / "metadata.csv").write_text(table)
        values = {"metadata": folder / "metadata.csv", **values}
    return ImportSettings.parse({"layout": "arrays", "modality": "CT", **values}, where="test")


def read(folder: Path, settings: ImportSettings) -> Study:
    import_study(folder / "slices.npz", folder / "study", settings=settings)
    return Study.open(folder / "study")


def find_problem(folder: Path, settings: ImportSettings) -> str:
    with pytest.raises(StudyError) as caught:
        read(folder, settings)
    assert not (folder / "study").exists()
    (problem,) = caught.value.problems
    return problem


def test_each_image_becomes_a_case_of_one_slice_with_its_row(tmp_path: Path) -> None:
    study = read(tmp_path, write(tmp_path, spacing_mm=(0.5, 2.0, 3.0)))
    assert [(case.case_id, case.subject_id, dict(case.columns)) for case in study.cases] == [
        ("case0000", "p1", {"file": "a.dcm", "vendor": "ACME"}),
        ("case0001", "p2", {"file": "b.dcm", "vendor": "Other"}),
    ]
    image = study.read_image("case0001")
    assert image.shape == (1, 4, 3, 1)
    # Row 2, column 1 of the second image: 12 + 2 × 4 + 1 = 21.
    assert image[0, 1, 2, 0] == 21 - 1000
    assert study.read_spacing("case0001") == (0.5, 2.0, 3.0)


def test_a_study_without_sources_passes_its_check(tmp_path: Path) -> None:
    study = read(tmp_path, write(tmp_path))
    assert check_study(study.root).sources == {}


def test_columns_name_cases_and_subjects_where_they_are_told(tmp_path: Path) -> None:
    study = read(tmp_path, write(tmp_path, case_column="patient_id", subject_column="vendor"))
    assert [(case.case_id, case.subject_id) for case in study.cases] == [("p1", "ACME"), ("p2", "Other")]


def test_without_a_table_every_case_is_a_subject_of_its_own(tmp_path: Path) -> None:
    study = read(tmp_path, write(tmp_path, table=None))
    assert study.subject_of == {"case0000": "case0000", "case0001": "case0001"}


def test_a_plain_array_file_is_read_too(tmp_path: Path) -> None:
    np.save(tmp_path / "slices.npy", IMAGES)
    import_study(tmp_path / "slices.npy", tmp_path / "study", settings=ImportSettings(layout="arrays"))
    assert len(Study.open(tmp_path / "study").cases) == 2


def test_a_case_with_a_dicom_original_is_read_from_it(tmp_path: Path) -> None:
    from test_import_dicom import write_slice

    write_slice(tmp_path / "dicom" / "a.dcm", value=1000)
    study = read(tmp_path, write(tmp_path, originals=tmp_path / "dicom"))
    first, second = (study.read_image(case_id) for case_id in study.case_ids)
    assert first.shape == (1, 5, 4, 1)
    assert first[0, 3, 2, 0] == 1000 + 200 + 3 - 1024
    assert second.shape == (1, 4, 3, 1)


def test_an_original_of_no_case_is_told(tmp_path: Path) -> None:
    (tmp_path / "dicom").mkdir()
    (tmp_path / "dicom" / "c.dcm").write_bytes(b"")
    problem = find_problem(tmp_path, write(tmp_path, originals=tmp_path / "dicom"))
    assert problem.startswith("an original must be named once in the column file of metadata, got 0 times; c.dcm")


def test_an_original_without_pixels_is_told(tmp_path: Path) -> None:
    from test_import_dicom import write_slice

    write_slice(tmp_path / "dicom" / "a.dcm", PixelData=None)
    problem = find_problem(tmp_path, write(tmp_path, originals=tmp_path / "dicom"))
    assert problem.startswith("case 'case0000': a DICOM slice must be whole and of a known compression")


@pytest.mark.parametrize(
    ("images", "table", "message"),
    [
        (IMAGES[0], TABLE, "the images must be (N, Y, X), got (3, 4); slices.npz"),
        (np.array([[[{}]]]), TABLE, "the arrays must be a whole .npz or .npy file"),
        (
            IMAGES,
            TABLE + "p3,c.dcm,ACME\n",
            "metadata must have one row per image, in the same order, got 3 rows and 2",
        ),
        (IMAGES, "case_id\nx\nx\n", "case_id must be unique, got 'x' twice"),
    ],
)
def test_a_file_that_breaks_a_rule_is_told(tmp_path: Path, images: NDArray, table: str, message: str) -> None:
    assert find_problem(tmp_path, write(tmp_path, images, table)).startswith(message)


def test_an_unknown_column_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    problem = find_problem(tmp_path, write(tmp_path, subject_column="nobody"))
    assert problem.startswith("subject_column must be a column of metadata, got 'nobody'. Hint: patient_id, file, ven")


def test_of_several_arrays_one_must_be_named(tmp_path: Path) -> None:
    settings = write(tmp_path)
    np.savez(tmp_path / "slices.npz", a=IMAGES, b=IMAGES + 1)
    assert find_problem(tmp_path, settings).startswith("array must name one of the arrays, got a, b; slices.npz")
    chosen = settings.model_copy(update={"array": "b"})
    assert read(tmp_path, chosen).read_image("case0000")[0, 0, 0, 0] == 1 - 1000
    unknown = settings.model_copy(update={"array": "c"})
    with pytest.raises(StudyError, match="array must be one of a, b, got 'c'"):
        import_study(tmp_path / "slices.npz", tmp_path / "other", settings=unknown)


def test_a_truncated_file_is_told(tmp_path: Path) -> None:
    settings = write(tmp_path)
    path = tmp_path / "slices.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert find_problem(tmp_path, settings).startswith("the arrays must be a whole .npz or .npy file")


def test_the_layout_and_the_kind_of_source_must_agree(tmp_path: Path) -> None:
    settings = write(tmp_path)
    with pytest.raises(InputError, match=r"must be a \.npz or \.npy file"):
        import_study(tmp_path, tmp_path / "study", settings=settings)
    with pytest.raises(InputError, match="Hint: for a NumPy file use the layout arrays"):
        import_study(tmp_path / "slices.npz", tmp_path / "study", settings=ImportSettings())


def test_settings_of_arrays_are_refused_for_other_layouts() -> None:
    with pytest.raises(SettingsError, match="array, metadata: for the layout arrays only, not for folders"):
        ImportSettings.parse({"metadata": "m.csv", "array": "a"}, where="test")
    with pytest.raises(SettingsError, match="an array file comes without masks"):
        ImportSettings.parse({"layout": "arrays", "labels": "{case}.png"}, where="test")
    with pytest.raises(SettingsError, match="spacing_mm must hold 3 positive numbers"):
        ImportSettings.parse({"layout": "arrays", "spacing_mm": [1, 0, 1]}, where="test")
