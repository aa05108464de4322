"""Scanners: how a head becomes FLAIR and T1 images."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from overread.study.demo.anatomy import Anatomy
from overread.study.demo.fields import HEAD_GRID, Field, Point, sample_smooth_noise
from overread.types import Affine

Voxels = NDArray[np.int16]


@dataclass(frozen=True)
class Contrast:
    """Signal of each tissue in one channel, white matter being 100 in FLAIR.

    `lesion` is what a lesion of full brightness adds; `rim` what the lining of the ventricles adds.
    """

    white: float
    grey: float
    fluid: float
    lesion: float
    rim: float


FLAIR = Contrast(white=100, grey=119, fluid=24, lesion=105, rim=14)
T1 = Contrast(white=132, grey=96, fluid=36, lesion=-52, rim=-4)


@dataclass(frozen=True)
class Scanner:
    """What a manufacturer's scanner does to an image.

    Attributes:
        manufacturer: a fictional name.
        shape: voxels along x, y and z.
        spacing_mm: voxel size.
        blur_mm: std of the point-spread function.
        noise: std of the noise before the magnitude is taken, in units of signal.
        noise_correlation: std of the kernel that smooths the noise, in voxels; 0 for white noise.
        gain: stored value per unit of signal.
        shading: std of the logarithm of the bias field.
    """

    manufacturer: str
    shape: tuple[int, int, int]
    spacing_mm: Point
    blur_mm: float
    noise: float
    noise_correlation: float
    gain: float
    shading: float


AURELIA = Scanner("Aurelia", (64, 72, 44), (2.3, 2.5, 2.9), 0.9, 4.0, 0.0, 4.0, 0.06)
BOREALIS = Scanner("Borealis", (56, 72, 40), (2.6, 2.5, 3.2), 1.25, 3.5, 0.75, 2.5, 0.09)
SCANNERS = (AURELIA, BOREALIS)


@dataclass(frozen=True)
class Pose:
    """How the head lay in the scanner: rotation angles in radians and shift in mm."""

    angles: Point
    shift_mm: Point


def sample_pose(generator: np.random.Generator) -> Pose:
    """Draw a pose: rotations of some degrees, shifts of some millimetres."""
    a, b, c = generator.normal(0, 0.035, size=3).tolist()
    x, y, z = generator.normal(0, 1.0, size=3).tolist()
    return Pose((a, b, c), (x, y, z))


def build_affine(scanner: Scanner) -> Affine:
    """Voxel indices to millimetres (RAS+), the middle of the volume at (0, 0, 0)."""
    affine = np.diag([*scanner.spacing_mm, 1.0])
    affine[:3, 3] = -(np.array(scanner.shape) - 1) / 2 * np.array(scanner.spacing_mm)
    return affine


def resample(field: Field, scanner: Scanner, pose: Pose) -> Field:
    """Read a field given on `HEAD_GRID` at the scanner's voxels, by linear interpolation."""
    rotation = _build_rotation(pose.angles)
    affine = build_affine(scanner)
    middle = np.array([0.0, -0.5, -3.5]) + np.array(pose.shift_mm)
    matrix = rotation @ affine[:3, :3] / HEAD_GRID.step_mm
    offset = (rotation @ affine[:3, 3] + middle - np.array(HEAD_GRID.origin_mm)) / HEAD_GRID.step_mm
    sampled = ndimage.affine_transform(
        field, matrix, offset=offset, output_shape=scanner.shape, order=1, mode="nearest"
    )
    return np.asarray(sampled, np.float32)


def compute_signal(contrast: Contrast, anatomy: Anatomy, brightness: Field) -> Field:
    """Noise-free signal on `HEAD_GRID`, 0 outside the brain."""
    tissue = anatomy.white + anatomy.grey
    signal = contrast.white * anatomy.white + contrast.grey * anatomy.grey + contrast.fluid * anatomy.fluid
    rim = np.exp(-np.abs(anatomy.ventricle_distance_mm) / 1.5)
    added = contrast.lesion * brightness + contrast.rim * rim
    return np.asarray(signal + tissue * added, np.float32)


def acquire(signal: Field, brain: Field, scanner: Scanner, pose: Pose, generator: np.random.Generator) -> Voxels:
    """Scan: blur, sample, shade by a bias field, add Rician noise and strip all that is not brain.

    Args:
        signal: noise-free signal on `HEAD_GRID`.
        brain: (X, Y, Z) share of brain at the scanner's voxels.
        scanner: what it is scanned with.
        pose: how the head lies.
        generator: source of the noise.

    Returns:
        (X, Y, Z) int16: 0 outside the brain, positive inside.
    """
    blurred = ndimage.gaussian_filter(signal, scanner.blur_mm / HEAD_GRID.step_mm, truncate=3)
    shading = np.exp(scanner.shading * sample_smooth_noise(scanner.shape, 12.0, generator))
    clean = resample(blurred, scanner, pose) * shading
    real, imaginary = (_sample_noise(scanner, generator) for _ in range(2))
    magnitude = np.hypot(clean + real, imaginary) * scanner.gain
    return np.where(brain > 0.5, np.maximum(np.rint(magnitude), 1), 0).astype(np.int16)


def _sample_noise(scanner: Scanner, generator: np.random.Generator) -> Field:
    if scanner.noise_correlation == 0:
        return scanner.noise * generator.standard_normal(scanner.shape, dtype=np.float32)
    return scanner.noise * sample_smooth_noise(scanner.shape, scanner.noise_correlation, generator)


def _build_rotation(angles: Point) -> NDArray[np.float64]:
    rotation = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = [i for i in range(3) if i != axis]
        turn = np.eye(3)
        turn[first, first] = turn[second, second] = np.cos(angle)
        turn[first, second], turn[second, first] = -np.sin(angle), np.sin(angle)
        rotation = rotation @ turn
    return rotation
