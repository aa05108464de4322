"""One clear message for each fault, all at once, and nothing left behind (`DataSet.problems` checks the latter)."""

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from overread.errors import InputError
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study

VOXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
NO_MASK = np.zeros((3, 4, 5), np.uint8)


def test_mask_of_another_shape(cells):
    cells.image("labels/ann/c2.png", np.zeros((5, 4), np.uint8))
    assert cells.problems() == (
        "a mask must have the shape of its image, got (5, 4) and (4, 5); case 'c2', source 'ann'.",
    )


def test_mask_of_another_affine(scans):
    moved = scans.affine.copy()
    moved[0, 3] += 0.001
    scans.volume("labels/ann/s1.nii.gz", NO_MASK, moved)
    (problem,) = scans.problems()
    assert "a mask must have the affine of its image, to 0.001 of the voxel size" in problem
    assert "axes LAS at (10.001, -20.0, 30.0)" in problem
    assert "axes LAS at (10.0, -20.0, 30.0); case 's1', source 'ann'" in problem


def test_mask_whose_affine_differs_by_rounding_only_is_accepted(scans):
    moved = scans.affine.copy()
    moved[0, 3] += 0.0004
    moved[2, 2] *= 1.0009
    scans.volume("labels/ann/s1.nii.gz", NO_MASK, moved)
    assert import_study(scans.root, scans.study, settings=ImportSettings()).case_count == 2


def test_flipped_mask_is_not_taken_for_aligned(scans):
    scans.volume("labels/ann/s1.nii.gz", NO_MASK, scans.affine @ np.diag([-1.0, 1, 1, 1]))
    (problem,) = scans.problems()
    assert "axes RAS" in problem
    assert "axes LAS" in problem


def test_channel_of_another_shape(scans):
    scans.volume("images/s2/t2.nii.gz", np.zeros((3, 4, 6), np.int16) + np.arange(6, dtype=np.int16))
    assert scans.problems() == (
        "a channel must have the shape of channel 't1', got (3, 4, 6) and (3, 4, 5); case 's2', channel 't2'.",
    )


def test_mask_without_an_image(cells):
    cells.image("labels/ann/c9.png", np.zeros((4, 5), np.uint8))
    assert cells.problems() == ("a mask must have an image, got none for labels/ann/c9.png; case 'c9'.",)


def test_label_values_other_than_two(cells):
    cells.image("labels/ann/c1.png", np.arange(20, dtype=np.uint8).reshape(4, 5) % 4)
    assert cells.problems() == (
        "case 'c1', source 'ann': a mask must hold 0 and one other value, got 0, 1, 2, 3. "
        "Hint: choose the structure with label_values; a map of probabilities must be thresholded first.",
    )


def test_long_lists_of_label_values_are_cut(cells):
    cells.image("labels/ann/c1.png", np.arange(20, dtype=np.uint8).reshape(4, 5))
    assert "got 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, … (20 values)." in cells.problems()[0]


def test_not_a_number_in_a_mask(scans):
    mask = NO_MASK.astype(np.float32)
    mask[0, 0, 0] = np.nan
    scans.volume("labels/ann/s1.nii.gz", mask)
    assert "must hold 0 and one other value, got 0, nan" in scans.problems()[0]


def test_two_structures_in_disguise(cells):
    cells.image("labels/ann/c1.png", np.eye(4, 5, dtype=np.uint8))
    cells.image("labels/ann/c2.png", np.eye(4, 5, dtype=np.uint8) * 2)
    assert cells.problems() == (
        "the masks of a source must share one foreground value, got 1 in c1, 2 in c2; source 'ann'. "
        "Hint: choose the structure with label_values; where each of these values means it, give them all.",
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_image_that_is_not_finite(scans, value):
    voxels = VOXELS.astype(np.float32)
    voxels[0, 0, :2] = value
    scans.volume("images/s1/t2.nii.gz", voxels)
    (problem,) = scans.problems()
    assert problem.startswith(
        "an image must be finite, got 2 voxels of NaN or infinity; case 's1', channel 't2'. Hint: "
    )


def test_constant_image(cells):
    cells.image("images/c1.png", np.full((4, 5), 7, np.uint8))
    assert cells.problems() == ("an image must not be constant, got 7 everywhere; case 'c1', channel 'image'.",)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_truncated_volume(scans, share):
    path = scans.root / "images/s1/t1.nii.gz"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    (problem,) = scans.problems()
    assert problem.startswith("case 's1': a raster file must be a whole NIfTI, PNG or TIFF file, got t1.nii.gz; ")
    assert "it may be truncated" in problem


def test_truncated_png(cells):
    path = cells.root / "labels/ann/c1.png"
    path.write_bytes(path.read_bytes()[:40])
    (problem,) = cells.problems()
    assert problem.startswith(
        "case 'c1', source 'ann': a raster file must be a whole NIfTI, PNG or TIFF file, got c1.png"
    )


def test_text_in_the_place_of_an_image(cells):
    cells.text("images/c1.png", "version https://git-lfs.github.com/spec/v1")
    assert "a raster file must be a whole NIfTI, PNG or TIFF file, got c1.png" in cells.problems()[0]


def test_4d_volume(scans):
    scans.volume("images/s1/t1.nii.gz", np.arange(120, dtype=np.int16).reshape(3, 4, 5, 2))
    assert scans.problems() == (
        "an image must have 3 axes, got shape (3, 4, 5, 2); case 's1', channel 't1'. "
        "Hint: write one file per channel; an axis of time is not supported.",
    )


@pytest.mark.parametrize("bands", [2, 4])
def test_image_with_an_alpha_channel(cells, bands):
    cells.image("images/c1.png", np.zeros((4, 5, bands), np.uint8))
    assert cells.problems() == (
        f"an image must have 2 axes, got shape (4, 5, {bands}); case 'c1', channel 'image'. "
        "Hint: drop the alpha channel, or write one file per page.",
    )


def test_coloured_mask(cells):
    pixels = np.zeros((4, 5, 3), np.uint8)
    pixels[0, 0] = (255, 0, 0)
    cells.image("labels/ann/c1.png", pixels)
    assert "a mask must have 2 axes, got shape (4, 5, 3); case 'c1', source 'ann'" in cells.problems()[0]


def test_tiff_of_several_pages(cells):
    (cells.root / "images/c1.png").unlink()
    pages = [Image.fromarray(np.full((4, 5), value, np.uint8)) for value in (1, 2)]
    pages[0].save(cells.root / "images/c1.tif", save_all=True, append_images=pages[1:])
    assert "an image file must hold one page, got 2; c1.tif" in cells.problems()[0]


def test_floating_point_tiff(cells):
    (cells.root / "images/c1.png").unlink()
    cells.image("images/c1.tif", np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5))
    assert "the pixels of a 2D image must be 8 or 16 bit whole numbers, got float32; case 'c1'" in cells.problems()[0]


def test_two_files_of_one_case(cells):
    cells.image("images/c1.tif", np.eye(4, 5, dtype=np.uint8))
    assert cells.problems() == (
        "a case must have one image file per channel, got images/c1.png and images/c1.tif; case 'c1'.",
    )


def test_two_masks_of_one_case(cells):
    cells.image("labels/ann/c1.tif", np.eye(4, 5, dtype=np.uint8))
    assert cells.problems() == (
        "a case must have one mask file per source, got labels/ann/c1.png and labels/ann/c1.tif; case 'c1'.",
    )


def test_volumes_among_images(cells):
    cells.volume("images/c4.nii.gz", VOXELS)
    assert "all images must be NIfTI, or all PNG and TIFF, got images/c4.nii.gz and images/c1.png." in cells.problems()


def test_image_as_mask_of_a_volume(scans):
    (scans.root / "labels/ann/s1.nii.gz").unlink()
    scans.image("labels/ann/s1.png", np.zeros((4, 5), np.uint8))
    assert scans.problems() == ("a mask of a 3D study must be NIfTI; case 's1', source 'ann'.",)


def test_jpeg(cells):
    cells.image("labels/ann/c4.jpg", np.zeros((4, 5), np.uint8))
    assert cells.problems()[0].startswith("an image or mask must be PNG, TIFF or NIfTI, got labels/ann/c4.jpg. Hint: ")


def test_sform_and_qform_that_disagree(scans):
    image = nib.nifti1.Nifti1Image(VOXELS, scans.affine)
    image.set_sform(scans.affine, 1)
    image.set_qform(np.diag([0.5, 2, 3, 1]), 1)
    image.to_filename(scans.root / "images/s1/t1.nii.gz")
    (problem,) = scans.problems()
    assert problem.startswith("sform and qform must agree, got two geometries in one header; case 's1', channel 't1'.")


def test_sheared_volume(scans):
    sheared = np.eye(4)
    sheared[0, 1] = 0.01
    scans.volume("images/s1/t1.nii.gz", VOXELS, sheared)
    assert scans.problems()[0].startswith("the axes of a volume must be perpendicular")


def test_voxels_without_size(scans):
    image = nib.nifti1.Nifti1Image(VOXELS, np.eye(4))
    image.set_sform(np.diag([1.0, 0, 3, 1]), 1)
    image.set_qform(None, 0)
    image.to_filename(scans.root / "images/s1/t1.nii.gz")
    (problem,) = scans.problems()
    assert problem.startswith("spacing_mm must hold 3 positive numbers, got (1.0, 0.0, 3.0); case 's1', channel 't1'.")


def test_complex_volume(scans):
    scans.volume("images/s1/t1.nii.gz", VOXELS.astype(np.complex64))
    assert "an image must hold real numbers, got complex64; case 's1'" in scans.problems()[0]


def test_case_without_one_of_the_channels(scans):
    scans.volume("images/s3/t1.nii.gz", VOXELS)
    assert scans.problems() == ("every case must have the channels t1, t2, as most cases do, got t1; case 's3'.",)


def test_grey_image_among_colour_images(data_set):
    for case_id in ("c1", "c2"):
        data_set.image(f"images/{case_id}.png", np.random.default_rng(0).integers(0, 9, (4, 5, 3)).astype(np.uint8))
    data_set.image("images/c3.png", np.eye(4, 5, dtype=np.uint8))
    assert data_set.problems() == (
        "every case must have the channels red, green, blue, as most cases do, got image; case 'c3'.",
    )


@pytest.mark.parametrize("case_id", ["../../etc/passwd", "/etc/passwd", "a/b", "..", "", "-rf"])
def test_unsafe_case_ids_in_the_case_table(cells, case_id):
    cells.text(
        "cases.csv", f"case_id\nc1\nc2\nc3\n{case_id},\n" if not case_id else f"case_id\nc1\nc2\nc3\n{case_id}\n"
    )
    problems = cells.problems()
    assert any("case_id must be a plain name" in problem or "longer than its header" in problem for problem in problems)


def test_case_named_twice_in_the_case_table(cells):
    cells.text("cases.csv", "case_id\nc1\nc2\nc3\nc1\n")
    assert cells.problems() == ("case_id must be unique, got 'c1' twice; cases.csv.",)


def test_subject_in_two_splits(cells):
    cells.text("cases.csv", "case_id,subject_id,split\nc1,anna,train\nc2,anna,test\nc3,bert,test\n")
    assert cells.problems()[0].startswith(
        "a subject must be in one split only, got train and test; subject 'anna'. Hint: "
    )


def test_images_and_rows_that_do_not_match(cells):
    cells.text("cases.csv", "case_id\nc1\nc2\nc7\n")
    assert cells.problems() == (
        "a row of cases.csv must have an image, got none; case 'c7'.",
        "an image must have a row in cases.csv, got none; case 'c3'.",
    )


def test_file_names_that_are_no_case_ids(cells):
    (cells.root / "images/c3.png").rename(cells.root / "images/c 3.png")
    (cells.root / "labels/ann/c3.png").unlink()
    assert cells.problems()[0].startswith("case_id must be a plain name")
    assert "got 'c 3'; file names" in cells.problems()[0]


def test_all_problems_are_told_at_once(cells):
    cells.image("labels/ann/c9.png", np.zeros((4, 5), np.uint8))
    cells.image("labels/ann/c2.png", np.zeros((5, 4), np.uint8))
    cells.image("images/c3.png", np.full((4, 5), 7, np.uint8))
    cells.text("cases.csv", "case_id,split\nc1,trian\nc2,\nc3,\n")
    assert [problem.split(",")[0] for problem in cells.problems()] == [
        "a mask must have an image",
        "split must be one of train",
        "a mask must have the shape of its image",
        "an image must not be constant",
    ]


def test_no_image_at_all(data_set):
    data_set.text("readme.txt", "nothing here")
    (problem,) = data_set.problems()
    assert "a data set must hold images named images/{case}/{channel}.* or images/{case}.*, got none" in problem


def test_a_data_set_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="the data set must be a folder"):
        import_study(tmp_path / "nowhere", tmp_path / "study", settings=ImportSettings())
