import json

import numpy as np
import pytest

from overread.errors import InputError
from overread.study.exporting.nnunet import export_nnunet
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.study import Study


@pytest.fixture
def flat_study(cells):
    import_study(cells.root, cells.study, settings=ImportSettings(name="cells", target="cell"))
    return Study.open(cells.study)


@pytest.fixture
def deep_study(scans):
    import_study(scans.root, scans.study, settings=ImportSettings(name="scans", target="lesion", modality="MR"))
    return Study.open(scans.study)


def list_files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_labelled_cases_go_to_train_and_others_to_test(deep_study, tmp_path):
    dataset = export_nnunet(deep_study, tmp_path / "raw", source="ann", dataset_id=7)
    assert dataset == tmp_path / "raw" / "Dataset007_scans_ann"
    assert list_files(dataset) == [
        "dataset.json",
        "imagesTr/s1_0000.nii.gz",
        "imagesTr/s1_0001.nii.gz",
        "imagesTs/s2_0000.nii.gz",
        "imagesTs/s2_0001.nii.gz",
        "labelsTr/s1.nii.gz",
    ]
    assert json.loads((dataset / "dataset.json").read_text()) == {
        "channel_names": {"0": "t1", "1": "t2"},
        "labels": {"background": 0, "lesion": 1},
        "numTraining": 1,
        "file_ending": ".nii.gz",
        "name": "scans",
        "description": "lesion as outlined by ann",
    }


def test_masks_hold_consecutive_label_values(flat_study, tmp_path):
    from PIL import Image

    dataset = export_nnunet(flat_study, tmp_path, source="crowd1")
    assert np.unique(np.asarray(Image.open(dataset / "labelsTr/c1.png"))).tolist() == [1]
    assert json.loads((dataset / "dataset.json").read_text())["file_ending"] == ".png"


def test_channels_of_a_ct_study_are_called_ct(scans, tmp_path):
    import_study(scans.root, scans.study, settings=ImportSettings(modality="CT"))
    dataset = export_nnunet(Study.open(scans.study), tmp_path, source="ann")
    assert json.loads((dataset / "dataset.json").read_text())["channel_names"] == {"0": "CT", "1": "CT"}


@pytest.mark.parametrize("study_name", ["flat_study", "deep_study"])
def test_the_importer_reads_back_the_same_bytes(study_name, request, tmp_path, digest_tree):
    study = request.getfixturevalue(study_name)
    dataset = export_nnunet(study, tmp_path / "raw", source="ann")
    settings = ImportSettings(layout="nnunet", source_name="ann")
    summary = import_study(dataset, tmp_path / "back", settings=settings)
    assert (summary.channels, summary.target) == (study.settings.channels, study.settings.target)
    before, after = digest_tree(study.root), digest_tree(tmp_path / "back")
    rasters = [name for name in before if name.startswith(("images/", "labels/ann/"))]
    assert {name: after[name] for name in rasters} == {name: before[name] for name in rasters}
    assert (tmp_path / "back" / "cases.csv").read_bytes() == (study.root / "cases.csv").read_bytes()


def test_each_source_becomes_a_data_set_of_its_own(flat_study, tmp_path):
    export_nnunet(flat_study, tmp_path, source="ann", dataset_id=501)
    export_nnunet(flat_study, tmp_path, source="crowd1", dataset_id=502)
    assert sorted(path.name for path in tmp_path.glob("Dataset*")) == [
        "Dataset501_cells_ann",
        "Dataset502_cells_crowd1",
    ]


def test_a_taken_id_is_refused(flat_study, tmp_path):
    export_nnunet(flat_study, tmp_path, source="ann")
    with pytest.raises(InputError, match="dataset_id must be free, got 501; Dataset501_cells_ann has it"):
        export_nnunet(flat_study, tmp_path, source="crowd1")


def test_an_id_of_four_digits_is_refused(flat_study, tmp_path):
    with pytest.raises(InputError, match="dataset_id must be a number from 1 to 999, got 1000"):
        export_nnunet(flat_study, tmp_path, source="ann", dataset_id=1000)


def test_an_unknown_source_is_refused(flat_study, tmp_path):
    with pytest.raises(InputError, match="a source must be one of the study, got 'bob'"):
        export_nnunet(flat_study, tmp_path, source="bob")


def test_a_source_that_has_labelled_nothing_is_refused(flat_study, tmp_path):
    (flat_study.root / "labels/crowd1/c1.png").unlink()
    with pytest.raises(InputError, match="a source must have labelled a case"):
        export_nnunet(flat_study, tmp_path, source="crowd1")


def test_a_missing_image_is_told_and_nothing_is_written(flat_study, tmp_path):
    flat_study.image_path("c2", "image").unlink()
    with pytest.raises(InputError, match=r"an image must exist, got images/c2/image\.png"):
        export_nnunet(flat_study, tmp_path / "raw", source="ann")
    assert not (tmp_path / "raw").exists()
