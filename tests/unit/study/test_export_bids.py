import json

import nibabel as nib
import numpy as np
import pytest

from overread.errors import InputError
from overread.study.exporting.bids import export_bids
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.study import Study


def import_and_open(data_set, **settings):
    import_study(data_set.root, data_set.study, settings=ImportSettings(**settings))
    return Study.open(data_set.study)


def list_files(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_masks_are_named_by_subject_and_source(scans, tmp_path):
    study = import_and_open(scans, target="lesion")
    out = export_bids(study, tmp_path / "bids", sources=("ann",))
    assert list_files(out) == [
        "dataset_description.json",
        "desc-ann_dseg.json",
        "desc-ann_dseg.tsv",
        "participants.tsv",
        "sub-s1/anat/sub-s1_desc-ann_dseg.nii.gz",
    ]
    assert (out / "desc-ann_dseg.tsv").read_text() == "index\tname\n0\tbackground\n1\tlesion\n"
    mask = nib.load(out / "sub-s1/anat/sub-s1_desc-ann_dseg.nii.gz")
    assert np.allclose(mask.affine, scans.affine)
    assert np.asarray(mask.dataobj).sum() == 2


def test_the_description_says_what_made_it(scans, tmp_path):
    out = export_bids(import_and_open(scans, name="ms", target="lesion"), tmp_path / "bids")
    description = json.loads((out / "dataset_description.json").read_text())
    assert (description["Name"], description["DatasetType"]) == ("ms: lesion", "derivative")
    assert description["BIDSVersion"]
    assert description["GeneratedBy"][0]["Name"] == "Overread"
    assert json.loads((out / "desc-ann_dseg.json").read_text()) == {
        "Description": "lesion as outlined by ann (human).",
        "Source": "ann",
        "Manual": True,
    }


def test_a_2d_mask_becomes_one_slice_with_columns_to_the_right_and_rows_downwards(cells, tmp_path):
    out = export_bids(import_and_open(cells, pixel_size_mm=0.25), tmp_path / "bids", sources=("ann",))
    mask = nib.load(out / "sub-c1/anat/sub-c1_desc-ann_dseg.nii.gz")
    assert mask.shape == (5, 4, 1)
    assert np.argwhere(np.asarray(mask.dataobj)).tolist() == [[0, 0, 0], [1, 0, 0]]
    assert np.allclose(mask.affine, np.diag([0.25, -0.25, 1, 1]))


def test_an_unknown_pixel_size_is_written_down(cells, tmp_path):
    out = export_bids(import_and_open(cells), tmp_path / "bids")
    assert "Pixel size unknown" in json.loads((out / "desc-ann_dseg.json").read_text())["Description"]


def test_names_become_alphanumeric_and_the_mapping_is_kept(cells, tmp_path):
    cells.text("cases.csv", "case_id,subject_id,age,sex,site\nc1,a-1,60,F,x\nc2,b_2,,M,x\nc3,c.3,41,,x\n")
    (cells.root / "labels/ann").rename(cells.root / "labels/person1_image-j")
    out = export_bids(import_and_open(cells), tmp_path / "bids", sources=("person1_image-j",))
    assert (out / "sub-a1/anat/sub-a1_desc-person1imagej_dseg.nii.gz").is_file()
    assert (out / "participants.tsv").read_text() == (
        "participant_id\tsubject_id\tcase_id\tage\tsex\n"
        "sub-a1\ta-1\tc1\t60\tF\n"
        "sub-b2\tb_2\tc2\tn/a\tM\n"
        "sub-c3\tc.3\tc3\t41\tn/a\n"
    )
    assert json.loads((out / "desc-person1imagej_dseg.json").read_text())["Source"] == "person1_image-j"


def test_several_cases_of_a_subject_become_sessions(cells, tmp_path):
    cells.text("cases.csv", "case_id,subject_id\nc1,anna\nc2,anna\nc3,bert\n")
    out = export_bids(import_and_open(cells), tmp_path / "bids", sources=("ann",))
    assert (out / "sub-anna/ses-c2/anat/sub-anna_ses-c2_desc-ann_dseg.nii.gz").is_file()
    assert (out / "sub-anna/sub-anna_sessions.tsv").read_text() == "session_id\tcase_id\nses-c1\tc1\nses-c2\tc2\n"
    assert (out / "participants.tsv").read_text() == "participant_id\tsubject_id\nsub-anna\tanna\nsub-bert\tbert\n"


@pytest.mark.parametrize("subjects", [("a-1", "a1"), ("A1", "a1")])
def test_names_that_give_one_label_are_refused(cells, tmp_path, subjects):
    cells.text("cases.csv", f"case_id,subject_id\nc1,{subjects[0]}\nc2,{subjects[1]}\nc3,x\n")
    study = import_and_open(cells)
    with pytest.raises(InputError, match="each subject_id must give its own BIDS label"):
        export_bids(study, tmp_path / "bids")
    assert not (tmp_path / "bids").exists()


def test_a_name_without_letters_is_refused(cells, tmp_path):
    cells.text("cases.csv", "case_id,subject_id\nc1,--\nc2,b\nc3,c\n")
    with pytest.raises(InputError, match="a subject_id must hold a letter or digit"):
        export_bids(import_and_open(cells), tmp_path / "bids")


def test_a_study_without_masks_is_refused(data_set, tmp_path):
    data_set.image("images/c1.png", np.eye(4, dtype=np.uint8))
    with pytest.raises(InputError, match="a source must have labelled a case"):
        export_bids(import_and_open(data_set), tmp_path / "bids")


def test_an_output_folder_that_holds_something_is_refused(cells, tmp_path):
    study = import_and_open(cells)
    with pytest.raises(InputError, match="must be new or empty"):
        export_bids(study, tmp_path)
