import nibabel as nib
import numpy as np
import pytest

from overread.errors import StudyError
from overread.study.check import check_study, find_study_problems
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.png import encode_png
from overread.study.rasters import write_image, write_mask, write_volume
from overread.study.study import Study
from overread.study.summary import describe_study

PIXELS = np.arange(20, dtype=np.uint8).reshape(4, 5)
VOXELS = np.arange(60, dtype=np.float32).reshape(3, 4, 5)


@pytest.fixture
def flat_study(cells):
    """The imported `cells`: c1, c2, c3; ann labelled all of them (c3 empty), crowd1 labelled c1."""
    import_study(cells.root, cells.study, settings=ImportSettings())
    return cells.study


@pytest.fixture
def deep_study(scans):
    """The imported `scans`: s1, s2 with t1, t2; ann labelled s1."""
    import_study(scans.root, scans.study, settings=ImportSettings())
    return scans.study


def problems_of(root):
    with pytest.raises(StudyError) as caught:
        check_study(root)
    return caught.value.problems


def test_a_sound_study_is_counted(flat_study):
    summary = check_study(flat_study)
    assert (summary.case_count, summary.subject_count, summary.channels) == (3, 3, ("image",))
    ann = summary.sources["ann"]
    assert (ann.labelled, ann.missing, ann.empty_cases, ann.mean_load) == (3, 0, ("c3",), 1.0)
    assert find_study_problems(Study.open(flat_study)) == []


def test_check_description_and_import_count_alike(scans):
    imported = import_study(scans.root, scans.study, settings=ImportSettings())
    assert imported == check_study(scans.study) == describe_study(Study.open(scans.study))


def test_a_source_without_masks_has_no_mean_load(flat_study):
    for path in (flat_study / "labels/crowd1").iterdir():
        path.unlink()
    crowd = check_study(flat_study).sources["crowd1"]
    assert (crowd.labelled, crowd.missing, crowd.mean_load) == (0, 3, None)


def test_files_of_git_and_dvc_are_no_strays(flat_study):
    (flat_study / ".git").mkdir()
    (flat_study / "images.dvc").write_text("")
    (flat_study / "labels/.gitignore").write_text("/ann\n")
    (flat_study / "labels/ann.dvc").write_text("")
    check_study(flat_study)


BREAKING = [
    ("images/c1/image.png", None, "case 'c1', channel 'image': a raster file must exist"),
    ("images/c1/image.png", encode_png(PIXELS * 0), "an image must not be constant, got 0"),
    ("images/c1/image.png", encode_png(PIXELS.T), "a mask must have the shape of its image, got (4, 5) and (5, 4)"),
    ("images/c1/red.png", encode_png(PIXELS), "a channel must be listed in study.yaml, got images/c1/red.png."),
    ("images/c9.png", encode_png(PIXELS), "an image must have a row in cases.csv, got images/c9.png."),
    (
        "labels/ann/c1.png",
        encode_png(PIXELS % 3),
        "a mask must hold 0 and 1 only, got 0, 1, 2; case 'c1', source 'ann'.",
    ),
    ("labels/ann/c1.png", encode_png(PIXELS // 19 * 255), "a mask must hold 0 and 1 only, got 0, 255; case 'c1'"),
    ("labels/ann/c1.png", b"half", "case 'c1', source 'ann': a raster file must be a whole"),
    (
        "labels/ann/c9.png",
        encode_png(PIXELS),
        "a mask must be named <case_id>.png after a case, got labels/ann/c9.png.",
    ),
    ("labels/ann/c1.nii.gz", b"", "a mask must be named <case_id>.png after a case, got labels/ann/c1.nii.gz."),
    ("labels/new/c1.png", encode_png(PIXELS), "a folder of masks must be a source of study.yaml, got labels/new."),
    ("cases.csv", b"case_id\nc1\nc2\nc3\n../c1\n", "case_id must be a plain name"),
    ("cases.csv", b"case_id\nc1\nc2\nc3\nc3\n", "case_id must be unique, got 'c3' twice; cases.csv."),
    ("cases.csv", b"case_id\nc1\nc2\n", "an image must have a row in cases.csv, got images/c3."),
]
"""A file of the study, what is put into its place (None: nothing), and the first problem then told."""


@pytest.mark.parametrize(("name", "content", "message"), BREAKING)
def test_each_fault_of_a_2d_study_is_told(flat_study, name, content, message):
    path = flat_study / name
    path.parent.mkdir(exist_ok=True)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert problems_of(flat_study)[0].startswith(message)


def test_a_declared_source_without_a_folder_is_told(flat_study):
    (flat_study / "labels/ann").rename(flat_study / "labels/.ann")
    assert problems_of(flat_study) == (
        "a source must have a folder labels/ann, got none. "
        "Hint: fetch it with `dvc pull`, or remove 'ann' from study.yaml.",
    )


def test_a_mask_that_moved_is_told(deep_study, scans):
    moved = scans.affine.copy()
    moved[2, 3] += 1
    write_mask(deep_study / "labels/ann/s1.nii.gz", VOXELS > 3, moved)
    (problem,) = problems_of(deep_study)
    assert problem.startswith("a mask must have the affine of its image")


def test_channels_that_do_not_lie_on_each_other_are_told(deep_study, scans):
    write_volume(deep_study / "images/s2/t2.nii.gz", VOXELS, scans.affine @ np.diag([1, 1, 1.01, 1]))
    (problem,) = problems_of(deep_study)
    assert problem.startswith("a channel must have the affine of channel 't1'")


def test_voxels_that_are_not_finite_are_told(deep_study, scans):
    voxels = VOXELS.copy()
    voxels[0, 0, 0] = np.nan
    write_volume(deep_study / "images/s2/t1.nii.gz", voxels, scans.affine)
    assert problems_of(deep_study)[0].startswith("an image must be finite, got 1 voxels of NaN or infinity; case 's2'")


def test_forms_that_disagree_are_told(deep_study, scans):
    image = nib.nifti1.Nifti1Image(VOXELS, scans.affine)
    image.set_sform(scans.affine, 1)
    image.set_qform(np.diag([0.5, 2, 3, 1]), 1)
    image.to_filename(deep_study / "images/s2/t2.nii.gz")
    assert problems_of(deep_study)[0].startswith("sform and qform must agree")


def test_all_problems_are_told_at_once(flat_study):
    write_image(flat_study / "images/c1/image.png", PIXELS * 0)
    (flat_study / "labels/ann/c2.png").write_bytes(b"half")
    (flat_study / "cases.csv").write_text("case_id,split\nc1,none\nc2,\nc3,\n")
    assert [problem.split(" must")[0] for problem in problems_of(flat_study)] == [
        "split",
        "an image",
        "case 'c2', source 'ann': a raster file",
    ]


def test_a_folder_that_is_no_study_is_told(tmp_path):
    assert problems_of(tmp_path)[0].startswith("a study must hold study.yaml, got none in")
