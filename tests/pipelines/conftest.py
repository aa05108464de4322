"""A small study of bright discs, outlined by two raters, and a preset that trains on it in a second."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from overread.kubeflow.local import WORKSPACE
from overread.runs import make_study
from overread.study.importing.settings import ImportSettings

PRESET = """
description: tiny
network: {architecture: unet, channels: [4, 8], residual_units: 0}
training:
  epochs: 3
  steps_per_epoch: 8
  batch_size: 4
  learning_rate: 0.02
  loss: dice_cross_entropy
  sampling: {patch_size: [32, 32]}
surface_tolerance: 1.0
classifier: {patch_size: [8, 8], features: [4, 8], epochs: 1, steps_per_epoch: 2, patches_per_case: 2}
"""
REPOSITORY = Path(__file__).parents[2]


def run_module(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the project as a user does."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)


def draw_disc(radius: float, *, size: int = 32) -> np.ndarray:
    """A centred disc, (size, size) bool."""
    offset = np.arange(size) - size / 2
    return np.hypot(*np.meshgrid(offset, offset)) < radius


def write_raw_data(folder: Path, *, cases: int = 6) -> None:
    """Images and two raters' masks in the layout `folders`; rater wide draws two pixels wider than rater tight."""
    generator = np.random.default_rng(0)
    for index in range(cases):
        radius = 6 + index
        pixels = 60 + 120 * draw_disc(radius) + generator.normal(0, 8, (32, 32))
        masks = {"tight": draw_disc(radius - 1), "wide": draw_disc(radius + 1)}
        for path, array in {
            folder / "images" / f"c{index}.png": pixels,
            **{folder / "labels" / rater / f"c{index}.png": mask * 255 for rater, mask in masks.items()},
        }.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(path)


def make_study_of(raw: Path, empty_mlflow: Path) -> Path:
    """Import a data set as the study `discs` beside it, and put a copy of an MLflow without runs where runs go."""
    folder = raw.with_name("discs")
    make_study.from_data_set(raw, folder, settings=ImportSettings(), remote=None)
    (folder / WORKSPACE).mkdir(exist_ok=True)
    shutil.copy(empty_mlflow, folder / WORKSPACE)
    return folder


@pytest.fixture(scope="module")
def preset(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("preset") / "tiny.yaml"
    path.write_text(PRESET)
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory, empty_mlflow) -> Path:
    folder = tmp_path_factory.mktemp("studies")
    write_raw_data(folder / "raw")
    return make_study_of(folder / "raw", empty_mlflow)
