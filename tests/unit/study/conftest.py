import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from overread.errors import StudyError
from overread.study.importing.settings import ImportSettings
from overread.study.importing.study_import import import_study

AFFINE = np.array([[-0.5, 0, 0, 10], [0, 2, 0, -20], [0, 0, 3, 30], [0, 0, 0, 1]], np.float64)
"""Voxels of 0.5 × 2 × 3 mm, x to the left."""


class DataSet:
    """A data set under construction in a temporary folder; `study` is where it is to be imported."""

    affine = AFFINE

    def __init__(self, root: Path) -> None:
        self.root = root
        self.study = root.parent / "study"
        root.mkdir()

    def path(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def image(self, name: str, pixels: NDArray[Any]) -> None:
        Image.fromarray(pixels).save(self.path(name))

    def volume(self, name: str, voxels: NDArray[Any], affine: NDArray[np.float64] = AFFINE) -> None:
        nib.nifti1.Nifti1Image(voxels, affine).to_filename(self.path(name))

    def text(self, name: str, content: str) -> None:
        self.path(name).write_text(content, encoding="utf-8")

    def json(self, name: str, content: Any) -> None:
        self.text(name, json.dumps(content))

    def problems(self, settings: ImportSettings | None = None) -> tuple[str, ...]:
        """Import it, which must fail and leave nothing behind."""
        before = sorted(self.root.parent.iterdir())
        with pytest.raises(StudyError) as caught:
            import_study(self.root, self.study, settings=settings or ImportSettings())
        assert sorted(self.root.parent.iterdir()) == before
        return caught.value.problems


@pytest.fixture
def data_set(tmp_path: Path) -> DataSet:
    """An empty data set."""
    return DataSet(tmp_path / "data")


@pytest.fixture
def cells(data_set: DataSet) -> DataSet:
    """Three 2D images of 4 × 5 pixels; ann labelled all of them (the third empty), crowd1 the first."""
    for index, case_id in enumerate(("c1", "c2", "c3")):
        data_set.image(f"images/{case_id}.png", make_pixels(index))
        mask = np.zeros((4, 5), np.uint8)
        mask[0, : 2 - index] = 255
        data_set.image(f"labels/ann/{case_id}.png", mask)
    data_set.image("labels/crowd1/c1.png", np.full((4, 5), 255, np.uint8))
    return data_set


@pytest.fixture
def scans(data_set: DataSet) -> DataSet:
    """Two 3D scans of 3 × 4 × 5 voxels, channels t1 and t2; rater ann labelled 2 voxels of the first."""
    for index, case_id in enumerate(("s1", "s2")):
        for channel in ("t1", "t2"):
            data_set.volume(f"images/{case_id}/{channel}.nii.gz", make_voxels(index))
    mask = np.zeros((3, 4, 5), np.uint8)
    mask[0, 0, :2] = 1
    data_set.volume("labels/ann/s1.nii.gz", mask)
    return data_set


def make_pixels(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (4, 5)).astype(np.uint8)


def make_voxels(seed: int) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-1000, 1000, (3, 4, 5)).astype(np.int16)


@pytest.fixture
def digest_tree() -> Callable[[Path], dict[str, str]]:
    """SHA-256 of every file below a folder."""

    def digest(root: Path) -> dict[str, str]:
        files = (path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return digest
