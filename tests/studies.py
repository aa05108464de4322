"""Small studies with two sources, and settings that learn them in seconds.

Every case shows one bright block on noise and is a subject of its own. `ann` outlines the block, `ben` one voxel more
on every side.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from overread.study.cases import Case, write_cases
from overread.study.rasters import write_image, write_mask, write_volume
from overread.study.schema import SourceSettings, StudySettings
from overread.study.study import Study
from overread.training.presets import Preset
from overread.types import Affine, Mask

SOURCES = {"ann": 0, "ben": 1}
"""Voxels by which each source outlines more than the block, on every side."""
SPACING_MM = (1.0, 2.0, 3.0)
"""Voxel size of the cubes."""

_NOISE, _BLOCK = 60.0, 140.0
_SIDES = (6, 11)


def write_squares(root: Path, *, case_count: int = 6, size: int = 24, seed: int = 0) -> Study:
    """Write a 2D study of one channel."""
    return _write(root, 2, ("grey",), case_count, size, seed)


def write_cubes(root: Path, *, case_count: int = 6, size: int = 24, seed: int = 0) -> Study:
    """Write a 3D study of two channels, the second dark where the first is bright."""
    return _write(root, 3, ("t1", "t2"), case_count, size, seed)


def make_preset(dimensions: Literal[2, 3], *, epochs: int = 3, dropout: float = 0.2) -> Preset:
    """A network that learns the blocks, with dropout and every variation of the patches."""
    sampling = {"patch_size": (16,) * dimensions, "flip_axes": tuple(range(dimensions)), "rotation_degrees": 30.0}
    sampling |= {"zoom_range": (0.8, 1.25), "gain_range": (0.9, 1.1), "offset_range": (-0.1, 0.1), "noise_std": 0.1}
    training = {"epochs": epochs, "steps_per_epoch": 6, "batch_size": 4, "learning_rate": 0.02, "sampling": sampling}
    network = {"channels": (4, 8), "residual_units": 1, "dropout": dropout}
    values = {"description": "Blocks on noise.", "network": network, "training": training}
    return Preset.parse(values, where="tests")


def _write(
    root: Path, dimensions: Literal[2, 3], channels: tuple[str, ...], case_count: int, size: int, seed: int
) -> Study:
    generator = np.random.default_rng(seed)
    sources = {name: SourceSettings(kind="human") for name in SOURCES}
    settings = StudySettings(
        name=f"blocks-{dimensions}d",
        dimensions=dimensions,
        modality="synthetic",
        channels=channels,
        target="block",
        sources=sources,
    )
    cases = [Case(f"case{index:02d}", f"subject{index:02d}") for index in range(case_count)]
    root.mkdir(parents=True, exist_ok=True)
    settings.write_yaml(root / "study.yaml")
    write_cases(root / "cases.csv", cases)
    study = Study.open(root)
    for case in cases:
        _write_case(study, case.case_id, size, generator)
    return study


def _write_case(study: Study, case_id: str, size: int, generator: np.random.Generator) -> None:
    shape = (size,) * study.settings.dimensions
    sides = generator.integers(*_SIDES, len(shape))
    starts = generator.integers(2, size - 1 - sides)
    affine = np.diag([*SPACING_MM, 1.0]) if study.settings.dimensions == 3 else None
    for name, margin in SOURCES.items():
        block = tuple(slice(a - margin, a + side + margin) for a, side in zip(starts, sides, strict=True))
        mask = np.zeros(shape, np.bool_)
        mask[block] = True
        write_mask(study.labels(name).path(case_id), mask, affine)
    inside = study.labels("ann").read(case_id)
    for index, channel in enumerate(study.settings.channels):
        _write_channel(study.image_path(case_id, channel), inside if index == 0 else ~inside, affine, generator)


def _write_channel(path: Path, bright: Mask, affine: Affine | None, generator: np.random.Generator) -> None:
    intensities = generator.normal(_NOISE, 15.0, bright.shape) + bright * (_BLOCK - _NOISE)
    voxels = np.clip(intensities, 0, 255).astype(np.uint8)
    if affine is None:
        write_image(path, voxels)
    else:
        write_volume(path, voxels, affine)
