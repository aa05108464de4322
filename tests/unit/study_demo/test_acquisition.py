import nibabel as nib
import numpy as np
import pytest

from overread.study.demo.acquisition import AURELIA, BOREALIS, SCANNERS, Pose, Scanner, acquire, build_affine, resample
from overread.study.demo.fields import HEAD_GRID

STILL = Pose((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


@pytest.mark.parametrize("scanner", SCANNERS, ids=lambda scanner: scanner.manufacturer)
def test_volumes_are_stored_in_ras_orientation_with_the_scanners_spacing(scanner: Scanner) -> None:
    affine = build_affine(scanner)
    assert nib.orientations.aff2axcodes(affine) == ("R", "A", "S")
    assert np.linalg.det(affine[:3, :3]) > 0
    assert np.diag(affine)[:3].tolist() == list(scanner.spacing_mm)
    assert len(set(scanner.spacing_mm)) == 3


def test_a_point_of_the_head_keeps_its_position_in_millimetres() -> None:
    x, _, _ = HEAD_GRID.axes_mm()
    sampled = resample(np.broadcast_to(x, HEAD_GRID.shape).astype(np.float32), AURELIA, STILL)
    affine = build_affine(AURELIA)
    inside = slice(2, -2)
    expected = affine[0, 3] + affine[0, 0] * np.arange(AURELIA.shape[0])
    np.testing.assert_allclose(sampled[inside, 10, 10], expected[inside], atol=1e-3)


def test_all_that_is_not_brain_is_exactly_zero_and_all_brain_is_not() -> None:
    brain = np.zeros(BOREALIS.shape, np.float32)
    brain[10:40, 10:40, 10:30] = 1
    voxels = acquire(np.full(HEAD_GRID.shape, 30, np.float32), brain, BOREALIS, STILL, np.random.default_rng(0))
    assert voxels.dtype == np.int16
    np.testing.assert_array_equal(voxels > 0, brain > 0)


def test_noise_is_rician() -> None:
    """Where there is no signal, the magnitude of Gaussian noise of std s has mean s sqrt(pi/2)."""
    brain = np.ones(AURELIA.shape, np.float32)
    voxels = acquire(np.zeros(HEAD_GRID.shape, np.float32), brain, AURELIA, STILL, np.random.default_rng(0))
    assert voxels.mean() == pytest.approx(AURELIA.gain * AURELIA.noise * np.sqrt(np.pi / 2), rel=0.01)
