from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from overread.errors import InputError, SettingsError
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study
from overread.study.rasters import read_raster
from overread.study.schema import Provenance
from overread.study.study import Study


def test_defaults_import_a_folder_of_masks_per_source(cells):
    summary = import_study(cells.root, cells.study, settings=ImportSettings())
    study = Study.open(cells.study)
    assert study.settings.name == "study"
    assert study.settings.dimensions == 2
    assert study.settings.channels == ("image",)
    assert study.case_ids == ("c1", "c2", "c3")
    assert {name: source.kind for name, source in study.settings.sources.items()} == {"ann": "human", "crowd1": "crowd"}
    ann, crowd = summary.sources["ann"], summary.sources["crowd1"]
    assert (ann.labelled, ann.missing, ann.empty, ann.mean_load) == (3, 0, 1, (2 + 1 + 0) / 3)
    assert ann.empty_cases == ("c3",)
    assert (crowd.labelled, crowd.missing, crowd.empty, crowd.mean_load) == (1, 2, 0, 20.0)


def test_masks_become_0_and_1_and_images_stay_as_they_are(cells):
    import_study(cells.root, cells.study, settings=ImportSettings())
    mask = np.asarray(Image.open(cells.study / "labels/ann/c1.png"))
    assert mask.dtype == np.uint8
    assert mask.tolist() == [[1, 1, 0, 0, 0], *[[0] * 5] * 3]
    image = np.asarray(Image.open(cells.study / "images/c1/image.png"))
    assert np.array_equal(image, np.asarray(Image.open(cells.root / "images/c1.png")))


def test_load_is_an_area_in_mm2_when_the_pixel_size_is_known(cells):
    summary = import_study(cells.root, cells.study, settings=ImportSettings(pixel_size_mm=0.5))
    assert summary.load_unit == "mm²"
    assert summary.sources["crowd1"].mean_load == 20 * 0.25


def test_case_table_gives_order_subjects_and_columns(cells):
    cells.text("cases.csv", "case_id,subject_id,site\nc3,anna,x\nc1,anna,y\nc2,bert,\n")
    summary = import_study(cells.root, cells.study, settings=ImportSettings())
    assert (summary.case_count, summary.subject_count, summary.columns) == (3, 2, ("site",))
    assert (cells.study / "cases.csv").read_text() == "case_id,subject_id,site\nc3,anna,x\nc1,anna,y\nc2,bert,\n"


def test_rgb_images_become_three_grey_channels(data_set):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    data_set.image("images/c1.png", pixels)
    import_study(data_set.root, data_set.study, settings=ImportSettings())
    study = Study.open(data_set.study)
    assert study.settings.channels == ("red", "green", "blue")
    assert np.array_equal(study.read_image("c1"), np.moveaxis(pixels, -1, 0))


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_deflate"])
def test_16_bit_tiff_becomes_16_bit_png(data_set, compression):
    pixels = (np.arange(20).reshape(4, 5) * 3000).astype(np.uint16)
    Image.fromarray(pixels).save(data_set.path("images/c1.TIF"), compression=compression)
    import_study(data_set.root, data_set.study, settings=ImportSettings())
    stored = read_raster(data_set.study / "images/c1/image.png").voxels
    assert stored.dtype == np.uint16
    assert np.array_equal(stored, pixels)


def test_a_flat_folder_is_sorted_by_patterns(scans, tmp_path):
    flat = tmp_path / "flat"
    flat.mkdir()
    for name, old in {
        "a_b_FLAIR.nii.gz": "images/s1/t1.nii.gz",
        "a_b_T1.nii.gz": "images/s1/t2.nii.gz",
        "a_b_GOLD_STANDARD.nii.gz": "labels/ann/s1.nii.gz",
    }.items():
        (scans.root / old).rename(flat / name)
    (flat / "LICENSE.txt").write_text("free")
    settings = ImportSettings(images="{case}_{channel}.nii.gz", labels="{case}_GOLD_STANDARD.nii.gz")
    summary = import_study(flat, scans.study, settings=settings)
    assert summary.channels == ("FLAIR", "T1")
    assert Study.open(scans.study).case_ids == ("a_b",)
    assert summary.sources["reference"].labelled == 1


def test_volumes_keep_type_and_geometry_and_get_equal_forms(scans):
    summary = import_study(scans.root, scans.study, settings=ImportSettings(modality="MR", target="lesion"))
    stored = nib.load(scans.study / "images/s1/t1.nii.gz")
    original = nib.load(scans.root / "images/s1/t1.nii.gz")
    assert stored.get_data_dtype() == np.int16
    assert np.array_equal(np.asarray(stored.dataobj), np.asarray(original.dataobj))
    assert np.allclose(stored.get_sform(), original.affine)
    assert np.allclose(stored.get_qform(), original.affine)
    assert (stored.header["sform_code"], stored.header["qform_code"]) == (1, 1)
    assert summary.sources["ann"].mean_load == pytest.approx(2 * (0.5 * 2 * 3) / 1000)
    assert (summary.load_unit, summary.modality, summary.target) == ("ml", "MR", "lesion")


def test_a_scaled_volume_is_stored_with_its_scale_applied(data_set):
    volume = nib.nifti1.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.diag([1.0, 1, 1, 1]))
    volume.header.set_slope_inter(0.5, -3)
    volume.to_filename(data_set.path("images/s1.nii"))
    import_study(data_set.root, data_set.study, settings=ImportSettings())
    expected = nib.load(data_set.root / "images/s1.nii").get_fdata()
    assert np.allclose(read_raster(data_set.study / "images/s1/image.nii.gz").voxels, expected)


def test_a_2d_nifti_image_becomes_a_single_slice(data_set):
    data_set.volume("images/s1.nii.gz", np.arange(12, dtype=np.int16).reshape(3, 4))
    data_set.volume("labels/ann/s1.nii.gz", (np.arange(12).reshape(3, 4) > 9).astype(np.uint8))
    import_study(data_set.root, data_set.study, settings=ImportSettings())
    study = Study.open(data_set.study)
    assert study.read_image("s1").shape == (1, 3, 4, 1)
    assert study.labels("ann").read("s1").sum() == 2


def test_64_bit_volumes_become_float32(data_set):
    data_set.volume("images/s1.nii.gz", np.linspace(0, 1, 60).reshape(3, 4, 5))
    import_study(data_set.root, data_set.study, settings=ImportSettings())
    assert read_raster(data_set.study / "images/s1/image.nii.gz").voxels.dtype == np.float32


def test_label_values_choose_and_join_structures(cells):
    cells.image("labels/ann/c1.png", np.repeat(np.array([[0, 1, 2, 3, 4]], np.uint8), 4, axis=0))
    import_study(cells.root, cells.study, settings=ImportSettings(label_values=(1, 3)))
    mask = Study.open(cells.study).labels("ann").read("c1")
    assert mask[0].tolist() == [False, True, False, True, False]


def test_masks_that_were_scaled_in_their_header_count_as_0_and_1(scans):
    mask = nib.nifti1.Nifti1Image(np.full((3, 4, 5), 255, np.uint8), scans.affine)
    mask.header.set_slope_inter(1 / 255 + 1e-9, 0)
    mask.to_filename(scans.root / "labels/ann/s1.nii.gz")
    scans.volume("labels/ann/s2.nii.gz", np.ones((3, 4, 5), np.uint8))
    import_study(scans.root, scans.study, settings=ImportSettings())
    assert Study.open(scans.study).labels("ann").read("s1").all()


def test_a_palette_mask_is_read_by_its_indices(cells):
    indices = Image.fromarray((np.arange(20).reshape(4, 5) > 17).astype(np.uint8), mode="P")
    indices.putpalette([0, 0, 0, 200, 30, 30])
    indices.save(cells.root / "labels/ann/c1.png")
    (cells.root / "labels/ann/c2.png").unlink()
    import_study(cells.root, cells.study, settings=ImportSettings())
    assert Study.open(cells.study).labels("ann").read("c1").sum() == 2


def test_a_grey_mask_saved_in_colour_is_read_as_grey(cells):
    cells.image("labels/ann/c1.png", np.repeat(np.eye(4, 5, dtype=np.uint8)[..., np.newaxis] * 255, 3, axis=2))
    import_study(cells.root, cells.study, settings=ImportSettings())
    assert Study.open(cells.study).labels("ann").read("c1").sum() == 4


def test_masks_without_a_source_folder_are_of_the_named_source(cells):
    for path in (cells.root / "labels/ann").iterdir():
        path.rename(cells.root / "labels" / path.name)
    (cells.root / "labels/crowd1/c1.png").unlink()
    summary = import_study(cells.root, cells.study, settings=ImportSettings(source_name="senior"))
    assert list(summary.sources) == ["senior"]


def test_hidden_files_are_left_out(cells):
    cells.text("images/._c1.png", "what a Mac leaves behind")
    cells.text("labels/ann/.DS_Store", "")
    assert import_study(cells.root, cells.study, settings=ImportSettings()).case_count == 3


def test_a_data_set_without_masks_becomes_a_study_without_sources(data_set):
    data_set.image("images/c1.png", np.eye(4, dtype=np.uint8))
    assert import_study(data_set.root, data_set.study, settings=ImportSettings()).sources == {}
    assert (data_set.study / "labels").is_dir()


def test_provenance_names_operation_settings_and_digest_of_the_masks(cells):
    import_study(cells.root, cells.study, settings=ImportSettings(target="cell"))
    first = Provenance.read_yaml(cells.study / "labels/ann.provenance.yaml")
    assert first.operation == "import"
    assert first.parameters == {"target": "cell"}
    cells.image("labels/ann/c1.png", np.full((4, 5), 255, np.uint8))
    import_study(cells.root, cells.study.with_name("again"), settings=ImportSettings(target="cell"))
    second = Provenance.read_yaml(cells.study.with_name("again") / "labels/ann.provenance.yaml")
    assert first.parents.keys() == second.parents.keys() == {"folders/ann"}
    assert first.parents != second.parents


def test_importing_twice_gives_the_same_bytes(cells, digest_tree: Callable[[Path], dict[str, str]]):
    for name in ("a", "b"):
        import_study(cells.root, cells.study.with_name(name), settings=ImportSettings(name="same"))
    digests = digest_tree(cells.study.with_name("a"))
    assert digests == digest_tree(cells.study.with_name("b"))
    documents, images, masks, provenances = 2, 3, 4, 2
    assert len(digests) == documents + images + masks + provenances


def test_a_target_that_holds_something_is_refused_and_kept(cells):
    cells.study.mkdir()
    (cells.study / "precious.txt").write_text("keep")
    with pytest.raises(InputError, match="must be new or empty"):
        import_study(cells.root, cells.study, settings=ImportSettings())
    assert [path.name for path in cells.study.iterdir()] == ["precious.txt"]


def test_an_empty_target_and_the_rest_of_a_killed_import_are_replaced(cells):
    cells.study.mkdir()
    rest = cells.study.with_name(".study.partial")
    rest.mkdir()
    (rest / "half.png").write_text("")
    import_study(cells.root, cells.study, settings=ImportSettings())
    assert not rest.exists()
    assert not (cells.study / "half.png").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"images": "images/{channel}.png"}, "must hold {case}"),
        ({"images": "{case}_{rater}.png"}, "holds {rater}"),
        ({"labels": "{case}_{channel}.png"}, "holds {channel}"),
        ({"layout": "msd", "images": "{case}.nii.gz"}, "images is for the layout folders"),
        ({"layout": "nnunet", "labels": "{case}.nii.gz"}, "labels is for the layouts folders and dicom"),
    ],
)
def test_patterns_that_cannot_work_are_refused(values, message):
    with pytest.raises(SettingsError, match=message):
        ImportSettings.parse(values, where="test")


def test_a_pixel_size_is_refused_for_volumes_before_anything_is_written(scans):
    with pytest.raises(SettingsError, match="pixel_size_mm is for 2D"):
        import_study(scans.root, scans.study, settings=ImportSettings(pixel_size_mm=1))
    assert not scans.study.exists()
