import numpy as np
import pytest

from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.study import Study

NNUNET = ImportSettings(layout="nnunet")
CONTENT = {
    "channel_names": {"0": "T1", "1": "T2"},
    "labels": {"background": 0, "lesion": 1},
    "numTraining": 1,
    "file_ending": ".nii.gz",
}
VOLUME = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


@pytest.fixture
def raw(data_set):
    for part, case_id in (("imagesTr", "a_1"), ("imagesTs", "b")):
        data_set.volume(f"{part}/{case_id}_0000.nii.gz", VOLUME)
        data_set.volume(f"{part}/{case_id}_0001.nii.gz", -VOLUME)
    data_set.volume("labelsTr/a_1.nii.gz", (VOLUME > 50).astype(np.uint8))
    data_set.json("dataset.json", CONTENT)
    return data_set


def test_channels_get_their_names_and_unlabelled_cases_come_along(raw):
    summary = import_study(raw.root, raw.study, settings=NNUNET)
    study = Study.open(raw.study)
    assert (summary.channels, summary.target, summary.modality) == (("T1", "T2"), "lesion", "unspecified")
    assert study.case_ids == ("a_1", "b")
    assert np.array_equal(study.read_image("a_1"), np.stack([VOLUME, -VOLUME]))
    assert study.labels("reference").read("a_1").sum() == 9
    assert study.cases[0].split is None


def test_labelled_test_cases_keep_the_division(raw):
    raw.volume("labelsTs/b.nii.gz", (VOLUME > 50).astype(np.uint8))
    import_study(raw.root, raw.study, settings=NNUNET)
    assert [case.split for case in Study.open(raw.study).cases] == ["train", "test"]


def test_version_1_of_the_format_is_read(raw):
    raw.json("dataset.json", {"modality": {"0": "CT", "1": "CT2"}, "labels": {"0": "background", "1": "bleed"}})
    summary = import_study(raw.root, raw.study, settings=NNUNET)
    assert (summary.channels, summary.target) == (("CT", "CT2"), "bleed")


def test_a_2d_data_set_of_rgb_files_is_read(data_set):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    data_set.image("imagesTr/a_0000.png", pixels)
    data_set.image("labelsTr/a.png", np.eye(4, 5, dtype=np.uint8))
    data_set.json("dataset.json", {**CONTENT, "channel_names": {"0": "R", "1": "G", "2": "B"}, "file_ending": ".png"})
    summary = import_study(data_set.root, data_set.study, settings=NNUNET)
    assert summary.channels == ("R", "G", "B")
    assert np.array_equal(Study.open(data_set.study).read_image("a"), np.moveaxis(pixels, -1, 0))


def test_a_missing_channel_is_told(raw):
    (raw.root / "imagesTr/a_1_0000.nii.gz").unlink()
    assert raw.problems(NNUNET) == ("case 'a_1': a case must have one file per channel (T1, T2), got a_1_0001.nii.gz.",)


def test_a_mask_without_an_image_is_told(raw):
    raw.volume("labelsTr/z.nii.gz", (VOLUME > 50).astype(np.uint8))
    assert raw.problems(NNUNET) == ("a mask must have an image, got none for labelsTr/z.nii.gz; case 'z'.",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": {"background": 0, "whole": [1, 2], "core": 2}}, "labels must have one value each"),
        ({"labels": {"background": 0, "a": 1, "b": 2}}, "the masks must outline one structure, got 1 a, 2 b"),
        ({"labels": {"background": 0, "a": "one"}}, "labels must be whole numbers"),
        ({"labels": ["background", "a"]}, "labels must have one value each"),
        ({"file_ending": ".nrrd"}, "file_ending must be one of .nii.gz, .nii, .png, .tiff, .tif, got .nrrd"),
        ({"file_ending": ".png"}, "imagesTr must hold files named <case>_0000.png, got none"),
        ({"dataset": {}}, "files must lie in imagesTr and labelsTr, got a list 'dataset'"),
        ({"channel_names": {"0": "T1", "1": "T1"}}, "channels must have different plain names"),
    ],
)
def test_a_dataset_json_that_breaks_a_rule_is_told(raw, change, message):
    raw.json("dataset.json", {**CONTENT, **change})
    assert raw.problems(NNUNET)[0].startswith(message)


def test_channel_names_are_needed(raw):
    raw.json("dataset.json", {"labels": {"background": 0, "lesion": 1}})
    assert raw.problems(NNUNET) == ("dataset.json must hold channel_names; dataset.json.",)
