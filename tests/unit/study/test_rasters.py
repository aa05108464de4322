import struct
import zlib

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from scipy.spatial.transform import Rotation

from overread.errors import InputError
from overread.study.rasters import have_same_affine, read_label_raster, read_raster, write_mask, write_volume


def test_volumes_are_written_without_a_time_stamp(tmp_path):
    for name in ("a.nii.gz", "b.nii.gz"):
        write_volume(tmp_path / name, np.ones((2, 3, 4), np.int16), np.diag([1.0, 2, 3, 1]))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    assert (tmp_path / "a.nii.gz").read_bytes()[4:8] == bytes(4)


def test_a_volume_reads_back_with_type_affine_and_spacing(tmp_path):
    voxels = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    write_volume(tmp_path / "a.nii.gz", voxels, np.diag([-0.5, 2, 3, 1]))
    raster = read_raster(tmp_path / "a.nii.gz")
    assert raster.voxels.dtype == np.int16
    assert np.array_equal(raster.voxels, voxels)
    assert raster.spacing_mm == (0.5, 2.0, 3.0)
    assert raster.forms_agree


def test_a_mask_is_stored_as_0_and_1(tmp_path):
    mask = np.eye(3, dtype=np.bool_)
    write_mask(tmp_path / "a.png", mask, None)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), mask.astype(np.uint8))


@pytest.mark.parametrize(("change", "same"), [(0.0009, True), (0.0011, False)])
def test_affines_agree_within_a_thousandth_of_the_voxel_size(change, same):
    affine = np.diag([1.0, 2.0, 4.0, 1.0])
    for row, column, size in ((0, 0, 1), (1, 1, 2), (2, 2, 4), (2, 3, 1)):
        other = affine.copy()
        other[row, column] += change * size
        assert have_same_affine(affine, other) is same


def test_a_volume_with_one_form_only_has_no_disagreement(tmp_path):
    image = nib.nifti1.Nifti1Image(np.ones((2, 2, 2), np.uint8), np.diag([1.0, 2, 3, 1]))
    image.set_qform(None, 0)
    image.to_filename(tmp_path / "a.nii")
    assert read_raster(tmp_path / "a.nii").forms_agree


def test_the_rounding_of_a_qform_near_a_half_turn_is_no_disagreement(tmp_path):
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_quat([0, 1, 0, 0.0006]).as_matrix()
    write_volume(tmp_path / "a.nii.gz", np.ones((2, 2, 2), np.uint8), affine)
    qform = nib.nifti1.load(tmp_path / "a.nii.gz").get_qform()
    assert not have_same_affine(affine, qform)
    assert read_raster(tmp_path / "a.nii.gz").forms_agree


def test_a_palette_image_is_colour_as_image_and_indices_as_mask(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], np.uint8), mode="P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "a.png")
    assert read_raster(tmp_path / "a.png").voxels.tolist() == [[[10, 20, 30], [40, 50, 60]]]
    assert read_label_raster(tmp_path / "a.png").voxels.tolist() == [[0, 1]]


def test_an_inverted_tiff_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(np.eye(4, dtype=np.uint8)).save(path, tiffinfo={262: 0})
    with pytest.raises(InputError, match=r"a TIFF file must not be WhiteIsZero; a\.tif"):
        read_raster(path)


def test_colours_of_8_bits_are_read_whatever_the_size_of_the_image(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read_raster(tmp_path / "a.png").voxels, pixels)


def test_16_bit_colours_are_refused_rather_than_halved(tmp_path):
    header = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(7))), (b"IEND", b"")]
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.raises(InputError, match=r"a colour image must have 8 bits per colour, got 16; a\.png"):
        read_raster(tmp_path / "a.png")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match="a raster file must exist"):
        read_raster(tmp_path / "a.png")
