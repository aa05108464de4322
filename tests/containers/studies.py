"""Studies whose masks and images are in S3 alone, made by a user who reaches the services of the cluster."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from overread.study.splits import is_held_out
from tests.containers.engine import REPOSITORY
from tests.containers.played_services import Services
from tests.pipelines.conftest import PRESET, draw_disc, write_raw_data

CASES = 6
PRESET_PATH = "presets/tiny.yaml"
_CORRECTION = "correction: {folds: 2, members: 2, largest_change: 10.0, threshold: 0.1, uncertainty: {samples: 2}}\n"


def import_discs(services: Services, folder: Path) -> Path:
    """A study of six discs by two raters, with a preset in its repository."""
    write_raw_data(folder / "raw", cases=CASES)
    study = folder / "discs"
    run_overread(
        services, "study", "import", str(folder / "raw"), str(study), "--remote", "s3://overread/studies/discs"
    )
    preset = study / PRESET_PATH
    preset.parent.mkdir()
    preset.write_text(PRESET + _CORRECTION)
    run_overread(services, "study", "commit", str(study), "--message", "A preset")
    return study


def widen_masks(services: Services, study: Path, source: str) -> None:
    """Commit masks in place of those of a source, two pixels wider than the discs, of cases that are not held out."""
    with tempfile.TemporaryDirectory(prefix="overread-masks-") as folder:
        for index in range(CASES):
            if not is_held_out(f"c{index}"):
                Image.fromarray(draw_disc(8 + index) * np.uint8(255)).save(Path(folder) / f"c{index}.png")
        run_overread(services, "study", "add", str(study), "--source", source, folder, "--replace")


def run_overread(services: Services, *arguments: str) -> None:
    """Run a command of this checkout where the services are."""
    run_module(services, "overread.cli", *arguments)


def run_module(services: Services, module: str, *arguments: str, folder: Path = REPOSITORY) -> None:
    """Run a module with the environment of tasks, in their network."""
    command = [*services.network.enter, sys.executable, "-m", module, *arguments]
    environment = {**os.environ, **services.environment}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
