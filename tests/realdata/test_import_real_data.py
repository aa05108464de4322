import csv
import time
from pathlib import Path

import numpy as np
import pydicom
import pytest

from overread.study.check import check_study
from overread.study.digest import compute_source_digest
from overread.study.exporting.bids import export_bids
from overread.study.exporting.nnunet import export_nnunet
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.study import Study

pytestmark = pytest.mark.realdata

MS = ImportSettings(
    images="{case}_{channel}.nii.gz", labels="{case}_GOLD_STANDARD.nii.gz", modality="MR", target="lesion"
)


def test_cells_of_twelve_raters_import_with_defaults_in_seconds_of_the_processor(real_data: Path, tmp_path: Path):
    begin = time.process_time()
    summary = import_study(real_data / "cells-5raters", tmp_path / "cells", settings=ImportSettings())
    assert time.process_time() - begin < 60
    assert (summary.case_count, summary.channels, summary.load_unit) == (35, ("image",), "px²")
    assert summary.columns == ("width_px", "height_px")
    kinds = {name: source.kind for name, source in summary.sources.items()}
    assert [name for name, kind in kinds.items() if kind == "crowd"] == [f"crowd{index}" for index in range(1, 8)]
    assert [name for name, kind in kinds.items() if kind == "human"] == [
        f"person{index}_{tool}" for index in range(1, 6) for tool in ("amira", "imagej")
    ]
    assert {name: source.missing for name, source in summary.sources.items() if source.missing} == {"person3_amira": 4}
    assert all(source.empty == 0 for source in summary.sources.values())
    assert check_study(tmp_path / "cells") == summary


def test_two_identical_raters_have_the_same_digest(real_data: Path, tmp_path: Path):
    import_study(real_data / "cells-5raters", tmp_path / "cells", settings=ImportSettings())
    study = Study.open(tmp_path / "cells")
    first, second, other = (
        compute_source_digest(study, name) for name in ("person2_amira", "person2_imagej", "person1_amira")
    )
    assert first == second != other


def test_ms_lesions_import_from_a_flat_folder(real_data: Path, tmp_path: Path):
    summary = import_study(real_data / "ms-lesions", tmp_path / "ms", settings=MS)
    study = Study.open(tmp_path / "ms")
    assert study.case_ids == ("patient07", "patient19", "patient26")
    assert summary.channels == ("FLAIR", "T1", "T2")
    assert study.read_image("patient07").shape == (3, 127, 160, 126)
    assert study.read_spacing("patient07") == (1.0, 1.0, 1.0)
    assert summary.sources["reference"].labelled == 3
    assert check_study(tmp_path / "ms") == summary


def test_ms_lesions_go_to_nnunet_and_back(real_data: Path, tmp_path: Path):
    import_study(real_data / "ms-lesions", tmp_path / "ms", settings=MS)
    study = Study.open(tmp_path / "ms")
    dataset = export_nnunet(study, tmp_path / "raw", source="reference")
    import_study(dataset, tmp_path / "back", settings=ImportSettings(layout="nnunet"))
    back = Study.open(tmp_path / "back")
    assert compute_source_digest(back, "reference") == compute_source_digest(study, "reference")
    for case_id in study.case_ids:
        for channel in study.settings.channels:
            assert back.image_path(case_id, channel).read_bytes() == study.image_path(case_id, channel).read_bytes()
    bids = export_bids(study, tmp_path / "bids")
    assert len(list(bids.glob("sub-*/anat/*_desc-reference_dseg.nii.gz"))) == 3


def test_ct_slices_of_two_vendors_import_in_hounsfield_units(real_data: Path, tmp_path: Path):
    summary = import_study(real_data / "ct-vendor", tmp_path / "ct", settings=ImportSettings(layout="dicom"))
    assert (summary.case_count, summary.modality, summary.channels, summary.sources) == (12, "CT", ("ct",), {})
    study = Study.open(tmp_path / "ct")
    dicom = real_data / "ct-vendor" / "dicom"
    with (real_data / "ct-vendor" / "metadata.csv").open(encoding="utf-8") as file:
        rows = {row["patient_id"]: row for row in csv.DictReader(file) if (dicom / row["file"]).is_file()}
    for case in study.cases:
        assert case.columns["manufacturer"] == rows[case.subject_id]["manufacturer"]
        assert case.columns["kernel"] == rows[case.subject_id]["kernel"]
    row = rows["TCGA-60-2695"]
    image = study.read_image("TCGA-60-2695")
    slice_ = pydicom.dcmread(dicom / row["file"])
    assert image.shape == (1, 512, 512, 1)
    assert np.array_equal(image[0, :, :, 0].T, slice_.pixel_array * 1.0 - 1024)
    assert study.read_spacing("TCGA-60-2695") == (0.546875, 0.546875, 2.0)
