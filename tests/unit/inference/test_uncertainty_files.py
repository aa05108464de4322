"""Uncertainty maps on disk."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image as PillowImage

from overread.errors import InputError
from overread.inference.uncertainty_maps import UncertaintyMaps, read_uncertainty, write_uncertainty

AFFINE = np.array([[-1.5, 0, 0, 10], [0, 2, 0, -20], [0, 0, 3, 5], [0, 0, 0, 1.0]])


def make_maps(*shape: int) -> UncertaintyMaps:
    draw = np.random.default_rng(0).random((3, *shape), np.float32)
    return UncertaintyMaps(draw[0], draw[1] / 4, draw[2] / 4)


def test_volumes_come_back_bit_for_bit(tmp_path: Path) -> None:
    maps = make_maps(4, 5, 6)
    write_uncertainty(tmp_path, "ms-01", maps, AFFINE)
    found = read_uncertainty(tmp_path, "ms-01", ".nii.gz")
    np.testing.assert_array_equal(found.probability, maps.probability)
    np.testing.assert_array_equal(found.aleatoric, maps.aleatoric)
    np.testing.assert_array_equal(found.epistemic, maps.epistemic)


def test_volumes_are_float32_on_the_grid_of_the_case(tmp_path: Path) -> None:
    write_uncertainty(tmp_path, "ms-01", make_maps(4, 5, 6), AFFINE)
    for name in ("probability", "aleatoric", "epistemic"):
        stored = nib.nifti1.Nifti1Image.from_filename(tmp_path / name / "ms-01.nii.gz")
        assert stored.get_data_dtype() == np.float32
        np.testing.assert_allclose(stored.get_sform(), AFFINE)
        np.testing.assert_allclose(stored.get_qform(), AFFINE, atol=1e-5)


def test_images_come_back_to_within_half_a_step(tmp_path: Path) -> None:
    maps = make_maps(7, 9)
    write_uncertainty(tmp_path, "isic-01", maps, None)
    found = read_uncertainty(tmp_path, "isic-01", ".png")
    assert found.aleatoric.dtype == np.float32
    np.testing.assert_allclose(found.probability, maps.probability, atol=0.51 / 65535)
    np.testing.assert_allclose(found.aleatoric, maps.aleatoric, atol=0.51 * 0.25 / 65535)
    np.testing.assert_allclose(found.epistemic, maps.epistemic, atol=0.51 * 0.25 / 65535)


def test_white_is_a_probability_of_one_and_an_uncertainty_of_a_quarter(tmp_path: Path) -> None:
    greatest = UncertaintyMaps(np.float32([[0, 1]]), np.float32([[0, 0.25]]), np.float32([[0, 0.125]]))
    write_uncertainty(tmp_path, "isic-01", greatest, None)
    for name, white in {"probability": 65535, "aleatoric": 65535, "epistemic": 32768}.items():
        with PillowImage.open(tmp_path / name / "isic-01.png") as image:
            assert image.mode == "I;16"
            np.testing.assert_array_equal(np.asarray(image), [[0, white]])


def test_a_missing_map_is_an_error(tmp_path: Path) -> None:
    write_uncertainty(tmp_path, "isic-01", make_maps(3, 3), None)
    (tmp_path / "epistemic" / "isic-01.png").unlink()
    with pytest.raises(InputError, match="must exist"):
        read_uncertainty(tmp_path, "isic-01", ".png")
