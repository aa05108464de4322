import numpy as np
import pytest

from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.study import Study

MSD = ImportSettings(layout="msd")
CONTENT = {
    "name": "Demo",
    "modality": {"0": "FLAIR", "1": "T1 gd"},
    "labels": {"0": "background", "1": "tumour"},
    "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}],
    "test": ["./imagesTs/b.nii.gz"],
}
VOLUME = np.random.default_rng(0).integers(0, 99, (3, 4, 5, 2)).astype(np.int16)
MASK = np.zeros((3, 4, 5), np.uint8)
MASK[1, 1, 1:3] = 1


@pytest.fixture
def decathlon(data_set):
    data_set.volume("imagesTr/a.nii.gz", VOLUME)
    data_set.volume("labelsTr/a.nii.gz", MASK)
    data_set.volume("imagesTs/b.nii.gz", VOLUME)
    data_set.json("dataset.json", CONTENT)
    return data_set


def test_channels_on_the_last_axis_become_one_file_each(decathlon):
    summary = import_study(decathlon.root, decathlon.study, settings=MSD)
    study = Study.open(decathlon.study)
    assert (summary.channels, summary.target, summary.modality) == (("FLAIR", "T1-gd"), "tumour", "MR")
    assert np.array_equal(study.read_image("a"), np.moveaxis(VOLUME, -1, 0))
    assert np.allclose(study.read_affine("a"), decathlon.affine)


def test_test_cases_become_unlabelled_cases(decathlon):
    summary = import_study(decathlon.root, decathlon.study, settings=MSD)
    assert (summary.sources["reference"].labelled, summary.sources["reference"].missing) == (1, 1)
    assert summary.columns == ()


def test_a_single_channel_is_3d_and_ct_is_recognised(decathlon):
    decathlon.volume("imagesTr/a.nii.gz", VOLUME[..., 0])
    decathlon.json("dataset.json", {**CONTENT, "modality": {"0": "CT"}, "test": []})
    summary = import_study(decathlon.root, decathlon.study, settings=MSD)
    assert (summary.channels, summary.modality, summary.case_count) == (("CT",), "CT", 1)


def test_another_number_of_channels_is_told(decathlon):
    decathlon.volume("imagesTr/a.nii.gz", VOLUME[..., 0])
    (problem,) = decathlon.problems(MSD)
    assert "a volume must hold the 2 channels that dataset.json names, on its last axis, got shape (3, 4, 5)" in problem


def test_several_structures_need_a_choice(decathlon):
    decathlon.json("dataset.json", {**CONTENT, "labels": {"0": "background", "1": "liver", "2": "tumour"}})
    (problem,) = decathlon.problems(MSD)
    assert problem.startswith("the masks must outline one structure, got 1 liver, 2 tumour; dataset.json. Hint: ")
    settings = ImportSettings(layout="msd", label_values=(1, 2))
    assert import_study(decathlon.root, decathlon.study, settings=settings).target == "liver with tumour"


def test_a_label_value_that_is_not_there_is_told(decathlon):
    (problem,) = decathlon.problems(ImportSettings(layout="msd", label_values=(3,)))
    assert problem == "label_values must be among 1 tumour, got [3]; dataset.json."


@pytest.mark.parametrize("path", ["/etc/passwd", "../other/a.nii.gz", "imagesTr/../../a.nii.gz"])
def test_paths_outside_the_data_set_are_refused(decathlon, path):
    decathlon.json("dataset.json", {**CONTENT, "test": [path]})
    assert decathlon.problems(MSD) == (f"a path must lie inside the data set, got {path!r}; dataset.json.",)


def test_a_listed_file_that_is_missing_is_told(decathlon):
    (decathlon.root / "imagesTs/b.nii.gz").unlink()
    assert decathlon.problems(MSD) == (
        "a file that dataset.json names must exist, got './imagesTs/b.nii.gz'; dataset.json.",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "dataset.json must be JSON"),
        ("[]", "dataset.json must hold modality, labels, training"),
        ('{"modality": {}, "labels": {}}', "dataset.json must hold training"),
        ('{"modality": ["CT"], "labels": {}, "training": []}', "channels must be numbered from 0"),
        ('{"modality": {"0": "CT"}, "labels": {}, "training": ["a"]}', "training must be a list of image and label"),
        ('{"modality": {"0": "CT"}, "labels": {}, "training": []}', "training must name at least one case"),
    ],
)
def test_a_dataset_json_that_breaks_a_rule_is_told(data_set, text, message):
    data_set.text("dataset.json", text)
    assert data_set.problems(MSD)[0].startswith(message)


def test_a_missing_dataset_json_is_told(data_set):
    assert data_set.problems(MSD)[0].startswith("a data set must hold dataset.json, got none; ")
